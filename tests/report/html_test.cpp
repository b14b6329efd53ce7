#include "coterie/report/html.h"

#include <limits>
#include <stdexcept>

#include "coterie/core/files.h"
#include "coterie/report/embedded.h"
#include "testing.h"

namespace coterie {
namespace {

TEST(Html, SlotsAreFilledInOnePass) {
  EXPECT_EQ(fill_slots("<p>{{a}}-{{b}}-{{a}}</p>", {{"a", "1"}, {"b", "2"}}), "<p>1-2-1</p>");
  EXPECT_EQ(fill_slots("{{a}}", {{"a", "{{b}}"}, {"b", "wrong"}}), "{{b}}");
  EXPECT_EQ(fill_slots("no slots", {}), "no slots");
}

TEST(Html, ASlotThatNothingFillsIsOurFault) {
  EXPECT_THROW(fill_slots("{{missing}}", {{"a", "1"}}), std::logic_error);
  EXPECT_THROW(fill_slots("{{a", {{"a", "1"}}), std::logic_error);
}

TEST(Html, NumbersAreGroupedByThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(70000), "70,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(-999), "-999");
  EXPECT_EQ(grouped(-123456), "-123,456");
}

TEST(Html, NumbersOfAnyMagnitudeAreShort) {
  EXPECT_EQ(short_number(0.0521234), "0.052123");
  EXPECT_EQ(short_number(12345), "12,345");
  EXPECT_EQ(short_number(1.10043e11), "1.1004e+11");
  EXPECT_EQ(short_number(-2), "-2");
  EXPECT_EQ(short_number(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(percent(0.12345), "12.3 %");
  EXPECT_EQ(counted(1, "image", "images"), "1 image");
  EXPECT_EQ(counted(2000, "image", "images"), "2,000 images");
}

TEST(Html, ValuesOfAManifestReadAsAPersonWouldSayThem) {
  EXPECT_EQ(json_text(true), "yes");
  EXPECT_EQ(json_text(0.5), "0.5");
  EXPECT_EQ(json_text("p^m"), "p^m");
  EXPECT_EQ(words("chosen_restart"), "chosen restart");
}

TEST(Html, FilesAreEmbeddedByteForByte) {
  const std::filesystem::path folder = std::filesystem::path(COTERIE_SOURCE_DIR) / "src/report";
  EXPECT_EQ(embedded::page_html(), read_file(folder / "page.html"));
  EXPECT_EQ(embedded::page_css(), read_file(folder / "page.css"));
}

TEST(Html, EveryClusterColourIsInTheStyle) {
  for (std::int64_t k = 0; k < 1000; ++k) {
    const std::string rule = fmt::format(".c{} {{", colour_of(k));
    ASSERT_NE(embedded::colours_css().find(rule), std::string_view::npos) << rule;
  }
  EXPECT_NE(colour_of(0), colour_of(1));
}

}  // namespace
}  // namespace coterie
