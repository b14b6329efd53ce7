// `coterie report` as a user runs it.
#ifdef COTERIE_WEB
#include <gtest/gtest.h>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

/// Runs of the same data in run1 and run2, of other data in other.
void make_runs(const Program& program) {
  program.write("toy.csv", toy_csv(60));
  program.write("other.csv", toy_csv(63));
  const auto cluster = [&](const char* input, const char* k, const char* out) {
    const Outcome outcome = program.run({"cluster", input, "-k", k, "--label-column", "kind",
                                         "--no-report", "--out", out});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  };
  cluster("toy.csv", "3", "run1");
  cluster("toy.csv", "2", "run2");
  cluster("other.csv", "3", "other");
}

TEST(ReportCommand, WritesThePageOfARunAndNamesIt) {
  Program program;
  make_runs(program);
  const Outcome outcome = program.run({"report", "run1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "run1/report/index.html\n");
  EXPECT_CONTAINS(program.read("run1/report/index.html"), "<h1>60 rows in 3 clusters</h1>");
}

TEST(ReportCommand, PutsRunsSideBySide) {
  Program program;
  make_runs(program);
  const Outcome outcome = program.run({"report", "run1", "run2", "--compare", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json.at("report"), "run1/report/comparison/index.html");
  EXPECT_EQ(json.at("n"), 60);
  // Three groups of 20: one of them is in another's cluster of run2.
  EXPECT_EQ(json.at("differ"), 20);
  EXPECT_NEAR(json.at("same").at(0).at(1).get<double>(), 40.0 / 60, 1e-12);
  EXPECT_EQ(json.at("nmi").at(0).at(0), 1.0);
  EXPECT_CONTAINS(program.read("run1/report/comparison/index.html"), "<h1>2 runs on 60 rows</h1>");
  ASSERT_EQ(program.run({"report", "run1", "run2", "--compare", "--out", "both"}).code, 0);
  EXPECT_EQ(program.read("both/index.html"), program.read("run1/report/comparison/index.html"));
}

TEST(ReportCommand, RefusesWhatDoesNotFit) {
  Program program;
  make_runs(program);
  const auto message = [&](const std::vector<std::string>& words) {
    const Outcome outcome = program.run(words);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    return outcome.err;
  };
  EXPECT_CONTAINS(message({"report", "run1", "run2"}), "compare them with --compare");
  EXPECT_CONTAINS(message({"report", "run1", "--compare"}), "two or more run folders");
  EXPECT_CONTAINS(message({"report", "run1", "other", "--compare"}),
                  "run1 and other were made from different data");
  EXPECT_CONTAINS(message({"report", "run1", "nowhere", "--compare"}),
                  "nowhere is no run folder");
  EXPECT_CONTAINS(message({"report", "run1", "--out", "x"}), "--out is for --compare");
}

}  // namespace
}  // namespace coterie
#endif
