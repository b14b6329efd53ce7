// `coterie duplicates` and `coterie outliers`.
#include <gtest/gtest.h>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

class CheckCommands : public ::testing::Test {
 protected:
  /// Three groups of rows on a plane; row 30 repeats row 0, row 31 is near to row 1, row 32 is far
  /// from all.
  void SetUp() override {
    std::string csv = "x,y,z\n";
    for (int i = 0; i < 30; ++i)
      csv += std::to_string(i % 3 * 10 + i * i % 17 * 0.1) + "," +
             std::to_string(10 - i * i * i % 23 * 0.1) + "," + std::to_string(i * 0.05) + "\n";
    const auto line = [&](int row) {
      std::istringstream text(csv);
      std::string found;
      for (int i = 0; i <= row + 1; ++i) std::getline(text, found);
      return found;
    };
    const std::string equal = line(0), near = line(1);
    csv += equal + "\n" + near.substr(0, near.size() - 1) + "1\n60,-80,70\n";
    program_.write("rows.csv", csv);
    const Outcome made =
        program_.run({"cluster", "rows.csv", "-k", "3", "--method", "kmeans", "--out", "run"});
    ASSERT_EQ(made.code, 0) << made.err;
  }
  Program program_;
};

TEST_F(CheckCommands, FindPlantedDuplicates) {
  const Outcome found = program_.run({"duplicates", "run", "--threshold", "0.9999999", "--json"});
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(found.json().at("groups"), 2);
  EXPECT_EQ(found.json().at("exact"), 2);
  EXPECT_EQ(found.json().at("near"), 2);
  EXPECT_EQ(found.json().at("n"), 33);
  EXPECT_EQ(program_.read("run/duplicates.csv").substr(0, 87),
            "group,id,path,kind,similarity\n0,0,rows.csv#0,exact,1.000000\n0,30,rows.csv#30,exact,"
            "1.00");
  EXPECT_CONTAINS(program_.read("run/duplicates.csv"), "\n1,1,rows.csv#1,near,");
  EXPECT_CONTAINS(program_.read("run/duplicates.csv"), "\n1,31,rows.csv#31,near,");
  const Outcome strict = program_.run({"duplicates", "run", "--threshold", "1"});
  EXPECT_CONTAINS(strict.out, "1 groups: 2 exact and 0 near duplicates");
  EXPECT_CONTAINS(program_.run({"duplicates", "run", "--threshold", "1.5"}).err, "0 to 1");
  EXPECT_EQ(program_.run({"duplicates", "nowhere"}).code, 2);
}

TEST_F(CheckCommands, RankAPlantedOutlierFirst) {
  const Outcome found = program_.run({"outliers", "run", "--json"});
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(found.json().at("n"), 33);
  EXPECT_EQ(found.json().at("strangest")[0].at("path"), "rows.csv#32");
  EXPECT_EQ(found.json().at("strangest").size(), 10u);
  const std::string csv = program_.read("run/outliers.csv");
  EXPECT_TRUE(csv.starts_with("id,path,label,score,rank\n32,rows.csv#32,"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 34);
  EXPECT_CONTAINS(program_.run({"outliers", "run"}).out, "  rows.csv#32\n");
}

TEST_F(CheckCommands, ANewRunTakesTheirFilesAway) {
  ASSERT_EQ(program_.run({"duplicates", "run"}).code, 0);
  ASSERT_EQ(program_.run({"outliers", "run"}).code, 0);
  ASSERT_EQ(
      program_
          .run({"cluster", "rows.csv", "-k", "2", "--method", "kmeans", "--out", "run", "--force"})
          .code,
      0);
  EXPECT_FALSE(std::filesystem::exists(program_.file("run/duplicates.csv")));
  EXPECT_FALSE(std::filesystem::exists(program_.file("run/outliers.csv")));
}

}  // namespace
}  // namespace coterie
