#include "coterie/data/csv.h"

#include <gtest/gtest.h>

#include "coterie/core/text.h"
#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;
using Records = std::vector<Names>;

Records records(const std::string& text) {
  CsvReader reader(text, "x.csv");
  std::vector<std::string_view> fields;
  Records all;
  while (reader.next(fields)) all.emplace_back(fields.begin(), fields.end());
  return all;
}

std::string split_error(const std::string& text) {
  return user_error_of([&] { records(text); });
}

TEST(CsvReader, SplitsRecordsAndFields) {
  EXPECT_EQ(records("a,b\n1,2\n"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(records("a,b\r\n1,2\r\n"), (Records{{"a", "b"}, {"1", "2"}}));
  EXPECT_EQ(records("a,b\n1,"), (Records{{"a", "b"}, {"1", ""}}));
  EXPECT_EQ(records(",\n"), (Records{{"", ""}}));
  EXPECT_EQ(records("\xef\xbb\xbf"
                    "a\n"),
            (Records{{"a"}}));
  EXPECT_EQ(records("a\n\n\r\nb"), (Records{{"a"}, {"b"}}));
  EXPECT_EQ(records(""), Records{});
  EXPECT_EQ(records("\n\n"), Records{});
}

TEST(CsvReader, QuotedFieldsHoldAnything) {
  EXPECT_EQ(records("\"a,b\",\"c\"\"d\"\n"), (Records{{"a,b", "c\"d"}}));
  EXPECT_EQ(records("\"two\nlines\",\"x\r\ny\"\r\n1,2"),
            (Records{{"two\nlines", "x\r\ny"}, {"1", "2"}}));
  EXPECT_EQ(records("\"\",\"\"\"\""), (Records{{"", "\""}}));
  // Several fields put together must not move one another.
  const std::string once = "\"" + std::string(50, 'a') + "\"\"" + std::string(50, 'b') + "\"";
  const std::string read = std::string(50, 'a') + "\"" + std::string(50, 'b');
  EXPECT_EQ(records(once + "," + once + "," + once), (Records{{read, read, read}}));
}

TEST(CsvReader, ReadsBackWhatCsvFieldWrites) {
  for (const std::string& field :
       {std::string("plain"), std::string("a,b"), std::string("\"\"\""), std::string("\r\n\n"),
        std::string(" blank "), std::string("\xff\xfe\0x", 4), std::string("\t")})
    EXPECT_EQ(records(csv_field(field) + "," + csv_field(field) + "\n"), (Records{{field, field}}));
}

TEST(CsvReader, CountsLines) {
  const std::string text = "a\n\"x\ny\nz\"\n\nb\n";
  CsvReader reader(text, "x.csv");
  std::vector<std::string_view> fields;
  std::vector<std::int64_t> lines;
  while (reader.next(fields)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<std::int64_t>{1, 2, 6}));
}

TEST(CsvReader, RefusesBrokenQuotes) {
  EXPECT_CONTAINS(split_error("a\n\"open\nfield"), "quote opened on line 2 is never closed");
  EXPECT_CONTAINS(split_error("a\nb,\"c\"d\n"), "line 2 has text after a closing quote");
}

class Csv : public Loading {
 protected:
  Dataset read(const std::string& text) { return load(made("x.csv", text)); }
  std::vector<float> values(const std::string& text) {
    const Dataset dataset = read(text);
    return {dataset.features.data, dataset.features.data + dataset.features.size()};
  }
  std::string error_with(const std::string& text) { return error_of(made("x.csv", text)); }
};

TEST_F(Csv, ReadsNumbers) {
  const Dataset dataset = read("a,b\n1,-2.5\n1e3, +4 \n");
  EXPECT_EQ(dataset.features.rows, 2);
  EXPECT_EQ(dataset.features.cols, 2);
  EXPECT_EQ(dataset.paths, (Names{"x.csv#0", "x.csv#1"}));
  EXPECT_EQ(values("a,b\n1,-2.5\n1e3, +4 \n"), (std::vector<float>{1, -2.5f, 1000, 4}));
  EXPECT_EQ(values("a,b\r\n\"1\",\".5\"\r\n3,4"), (std::vector<float>{1, 0.5f, 3, 4}));
}

TEST_F(Csv, NumbersTooSmallForAFloatAreZero) {
  EXPECT_EQ(values("a,b,c\n1e-60,-1e-400,0." + std::string(400, '0') + "1\n"),
            (std::vector<float>{0, 0, 0}));
}

TEST_F(Csv, NumbersTooLargeForAFloatAreRefused) {
  EXPECT_CONTAINS(error_with("a,b\n1,1e39\n"), "line 2, column 'b' holds 1e39");
  EXPECT_CONTAINS(error_with("a,b\n1,1e400\n"), "no finite");
}

TEST_F(Csv, LabelColumnIsTheTruthAndNoFeature) {
  options_.label_column = "kind";
  const Dataset numbers = read("a,kind,b\n1,10,2\n3,9,4\n5,10,6\n");
  EXPECT_EQ(numbers.features.cols, 2);
  EXPECT_EQ(numbers.features(1, 1), 4);
  EXPECT_EQ(numbers.truth, (Labels{1, 0, 1}));
  EXPECT_EQ(numbers.class_names, (Names{"9", "10"}));
  const Dataset texts = read("a,kind\n1,10\n2,9\n3,x\n");
  EXPECT_EQ(texts.truth, (Labels{0, 1, 2}));
  EXPECT_EQ(texts.class_names, (Names{"10", "9", "x"}));
  const std::string without = read("a,kind\n1,0\n").fingerprint;
  EXPECT_EQ(read("a,kind\n1,7\n").fingerprint, without);
}

TEST_F(Csv, MissingLabelColumnListsTheColumns) {
  options_.label_column = "lable";
  const auto error = error_with("c1,c2,label\n1,2,3\n");
  EXPECT_CONTAINS(error, "no column 'lable'");
  EXPECT_CONTAINS(error, "did you mean 'label'?");
  EXPECT_CONTAINS(error, "c1, c2, label");
  options_.label_column = "a";
  EXPECT_CONTAINS(error_with("a,a\n1,2\n"), "2 columns named 'a'");
  EXPECT_CONTAINS(error_with("a\n1\n"), "no column but 'a'");
  EXPECT_CONTAINS(error_with("a,b\n,2\n"), "line 2 has no label");
}

TEST_F(Csv, RaggedRowsAreNamedByLine) {
  EXPECT_CONTAINS(error_with("a,b\n1,2\n3\n"), "line 3 has 1 fields where the header has 2");
  EXPECT_CONTAINS(error_with("a,b\n1,2,3\n"), "line 2 has 3 fields");
}

TEST_F(Csv, FieldsThatAreNoNumbersAreNamed) {
  const auto error = error_with("a,b\n1,2\n3,red\n");
  EXPECT_CONTAINS(error, "line 3, column 'b' holds 'red'");
  EXPECT_CONTAINS(error, "label column");
  EXPECT_CONTAINS(error_with("a,b\n1,2x\n"), "'2x'");
  EXPECT_CONTAINS(error_with("a,b\n1,+-2\n"), "'+-2'");
  EXPECT_CONTAINS(error_with("a,b\n1,\n"), "column 'b' is empty");
}

TEST_F(Csv, NonFiniteFieldsAreNamed) {
  EXPECT_CONTAINS(error_with("a,b\nnan,2\n"), "line 2, column 'a' holds nan");
  EXPECT_CONTAINS(error_with("a,b\n1,-inf\n"), "line 2, column 'b' holds -inf");
}

TEST_F(Csv, EmptyFilesAndHeadersAreRefused) {
  EXPECT_CONTAINS(error_with(""), "is empty");
  EXPECT_CONTAINS(error_with("\n\n"), "is empty");
  EXPECT_CONTAINS(error_with("a,b\n"), "no row");
  EXPECT_CONTAINS(error_with("1.5,2.5\n3,4\n"), "put a header line in front");
  EXPECT_CONTAINS(error_with(",a\n0,1\n"), "column 1 has no name");
}

TEST_F(Csv, LinesThatEndWithCrAloneAreNamedSo) {
  EXPECT_CONTAINS(error_with("a,b\r1,2\r3,4\r"), "end with CR alone");
}

TEST_F(Csv, CountingColumnNamesAreAHeader) {
  EXPECT_EQ(values("0,1,2\n5,6,7\n"), (std::vector<float>{5, 6, 7}));
  EXPECT_EQ(values("1,2\n5,6\n"), (std::vector<float>{5, 6}));
}

TEST_F(Csv, ManyBlankLinesAndColumnsTakeNoMemory) {
  std::string header = "c0";
  for (int i = 1; i < 20000; ++i) header += ",c" + std::to_string(i);
  // As many lines as would reserve 80 GB if each held a row.
  EXPECT_CONTAINS(error_with(header + std::string(1000000, '\n')), "no row");
}

TEST_F(Csv, IsKnownByItsContentUnderAnotherName) {
  EXPECT_EQ(load(made("table", "a,b\n1,2\n")).features.cols, 2);
}

TEST_F(Csv, LongTablesKeepTheirRows) {
  std::string text = "a,b\n";
  for (int i = 0; i < 100000; ++i)
    text += std::to_string(i) + "," + std::to_string(i * 3) + ".25\n";
  const Dataset dataset = read(text);
  ASSERT_EQ(dataset.features.rows, 100000);
  EXPECT_EQ(dataset.features(99999, 0), 99999);
  EXPECT_EQ(dataset.features(99999, 1), 299997.25f);
}

}  // namespace
}  // namespace coterie
