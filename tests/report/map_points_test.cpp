#include "coterie/report/map_points.h"

#include <cstring>
#include <set>

#include "data/png_reader.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

template <class T>
std::vector<T> array_of(const nlohmann::json& payload, const char* key) {
  const std::string bytes = from_base64(payload.at(key).get<std::string>());
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// What web/src/report/data.ts does, in other words.
std::vector<std::string> decoded(const std::string& coded) {
  std::vector<std::string> names;
  std::string line;
  std::string last;
  for (const char c : coded + "\n") {
    if (c != '\n') {
      line += c;
      continue;
    }
    last = last.substr(0, static_cast<std::size_t>(line[0] - '0')) + line.substr(1);
    names.push_back(last);
    line.clear();
  }
  return names;
}

TEST(MapRows, AreAllWhereTheyFit) {
  EXPECT_EQ(map_rows(3, 3), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_TRUE(map_rows(0, 3).empty());
}

TEST(MapRows, AreADrawnPartOfMany) {
  const auto rows = map_rows(10'000, 500);
  EXPECT_EQ(rows.size(), 500u);
  EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), 500u);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_LT(rows.back(), 10'000);
  // 500 draws of which half are expected below 5,000: nine deviations (11.2) to either side.
  const auto low = std::lower_bound(rows.begin(), rows.end(), 5000) - rows.begin();
  EXPECT_NEAR(static_cast<double>(low), 250, 100);
  EXPECT_EQ(map_rows(10'000, 500), rows);
}

TEST(FrontCoded, KeepsWhatNamesShare) {
  EXPECT_EQ(front_coded({"a/1.png", "a/2.png", "b", "b", ""}), "0a/1.png\n22.png\n0b\n1\n0");
}

TEST(FrontCoded, IsUndoneByItsReader) {
  const std::string longest(200, 'x');
  const std::vector<std::string> names = {"image-9", "image-10",    "image-10",    "café", "cafè",
                                          "",        longest + "1", longest + "2", "z"};
  EXPECT_EQ(decoded(front_coded(names)), names);
  // Beyond ASCII nothing is shared: the reader counts in other units than bytes.
  EXPECT_EQ(front_coded({"café", "cafè"}), "0café\n3è");
}

TEST(MapPayload, HoldsEachPointAsTheRunHasIt) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), {0, 1, 0, 1, 2}, {3, 8, 4});
  give_truth(run, {1, 0, 1, 0, 0});
  rename_row(run, 3, "</script><b>\xff");
  const RunSummary summary = summarize(run, CancelToken());
  Matrix<float> positions(5, 2);
  for (int i = 0; i < 5; ++i) {
    positions(i, 0) = static_cast<float>(i);
    positions(i, 1) = static_cast<float>(-10 * i);
  }
  const std::string text =
      map_payload(summary, {positions, nlohmann::json::object(), nullptr}, {0, 2, 3}, "files-7");
  EXPECT_EQ(text.find('<'), std::string::npos);
  const auto payload = nlohmann::json::parse(text);
  EXPECT_EQ(array_of<float>(payload, "positions"), (std::vector<float>{0, 0, 2, -20, 3, -30}));
  EXPECT_EQ(array_of<std::int32_t>(payload, "labels"), (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(array_of<std::int32_t>(payload, "ids"), (std::vector<std::int32_t>{0, 2, 3}));
  EXPECT_EQ(array_of<std::int32_t>(payload, "truth"), (std::vector<std::int32_t>{1, 1, 0}));
  EXPECT_EQ(
      array_of<float>(payload, "confidences"),
      (std::vector<float>{run.rows[0].confidence, run.rows[2].confidence, run.rows[3].confidence}));
  EXPECT_EQ(decoded(payload.at("names")),
            (std::vector<std::string>{"image-0.png", "image-2.png", "</script><b>\\xff"}));
  EXPECT_EQ(payload.at("total"), 5);
  EXPECT_EQ(payload.at("clusters"), 3);
  EXPECT_EQ(payload.at("images"), true);
  EXPECT_EQ(payload.at("classes"), (nlohmann::json{"class-a", "class-b"}));
  // Class a is matched to cluster 1, b to 0; cluster 2 is left over.
  EXPECT_EQ(payload.at("matches"), (nlohmann::json{1, 0, -1}));
  EXPECT_EQ(payload.at("class_colours"), (nlohmann::json{1, 0}));
  EXPECT_EQ(
      payload.at("tiles"),
      (nlohmann::json{
          {"folder", "files-7"}, {"width", 4}, {"height", 8}, {"columns", 10}, {"each", 100}}));
}

TEST(MapPayload, LeavesOutWhatThereIsNot) {
  TemporaryFolder folder;
  const LoadedRun run = feature_run(folder.path(), {0, 1, 0});
  const RunSummary summary = summarize(run, CancelToken());
  const Matrix<float> positions(3, 2);
  const auto payload = nlohmann::json::parse(
      map_payload(summary, {positions, nlohmann::json::object(), nullptr}, {0, 1, 2}, ""));
  for (const char* key : {"ids", "truth", "classes", "class_colours", "tiles"})
    EXPECT_FALSE(payload.contains(key)) << key;
  EXPECT_EQ(payload.at("images"), false);
  EXPECT_EQ(payload.at("matches"), (nlohmann::json{-1, -1}));
}

}  // namespace
}  // namespace coterie
