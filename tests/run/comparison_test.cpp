#include "coterie/run/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/run/cluster.h"
#include "coterie/run/run_folder.h"
#include "idx_bytes.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

/// Forty rows in two groups far apart, with their ground truth, and two methods.
class RunComparison : public ::testing::Test {
 protected:
  RunComparison() {
    std::string csv = "x,y,group\n";
    for (int i = 0; i < 40; ++i)
      csv += fmt::format("{},{},{}\n", i % 2 * 10 + i * 0.01, i * 0.02, i % 2);
    write_file(folder_ / "rows.csv", csv);
    comparison_.data = {{"Rows", (folder_ / "rows.csv").native(), {.label_column = "group"}, 2}};
  }
  std::vector<ComparedRun> run(int seeds, int first = 0) {
    return run_comparison(comparison_, {first, seeds}, folder_ / "runs", warnings_, CancelToken());
  }

  /// Sixty grey images of 8 x 8 in the place of the rows: class 0 black, 1 in the middle, 2 white.
  void take_greys(const char* name) {
    std::string pixels(60 * 64, '\0'), labels(60, '\0');
    for (int i = 0; i < 60; ++i) {
      labels[i] = static_cast<char>(i % 3);
      std::fill_n(pixels.begin() + i * 64, 64, static_cast<char>(i % 3 * 100 + i / 3));
    }
    write_file(folder_ / "images-idx3-ubyte", idx({60, 8, 8}, pixels));
    write_file(folder_ / "labels-idx1-ubyte", idx({60}, labels));
    comparison_.data = {{.name = name,
                         .input = (folder_ / "images-idx3-ubyte").native(),
                         .load = {.labels = (folder_ / "labels-idx1-ubyte").native()},
                         .clusters = 2,
                         .seeds = 1}};
    comparison_.data[0].load.cache = folder_ / "cache";
  }

  TemporaryFolder folder_;
  Warnings warnings_;
  Comparison comparison_{
      .name = "small",
      .about = "",
      .methods = {{"k-means, one start", "kmeans", {{"restarts", "1"}}},
                  {.label = "Ward", .method = "agglomerative", .seeded = false}}};
};

TEST_F(RunComparison, RunsEachSeedIntoAFolderOfItsOwn) {
  const auto runs = run(2);
  ASSERT_EQ(runs.size(), 3u);
  for (const auto& one : runs) EXPECT_EQ(one.scores.acc, 1) << one.label;
  EXPECT_EQ(std::count_if(runs.begin(), runs.end(), [](auto& one) { return one.seed == 1; }), 1);
  EXPECT_EQ(RunFolder(folder_ / "runs/rows-k-means-one-start-seed1").state(), RunState::finished);
  EXPECT_EQ(warnings_.all(), "");
  const std::string table = comparison_markdown(comparison_, runs);
  EXPECT_CONTAINS(table, "| k-means, one start | 2 | 2 | 100.0 ± 0.0 |");
  EXPECT_CONTAINS(table, "| Ward | 1 | 2 | 100.0 | 100.0 | 100.0 | 20 to 20 |");
}

TEST_F(RunComparison, BeginsAtTheSeedAskedFor) {
  const auto runs = run(2, 3);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].seed, 3u);
  EXPECT_EQ(runs[1].seed, 3u);  // Ward, once
  EXPECT_EQ(runs[2].seed, 4u);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/rows-k-means-one-start-seed0"));
}

TEST_F(RunComparison, LeavesOutRunsOfOtherSettingsAndAbsentData) {
  run(1);
  comparison_.methods[0].parameters = {{"restarts", "3"}};
  comparison_.data.push_back({"None", "no-such-file.csv", {}, 2});
  EXPECT_EQ(run(1).size(), 1u);
  EXPECT_CONTAINS(warnings_.all(), "holds a run with other settings");
  EXPECT_CONTAINS(warnings_.all(), "None is left out");
}

TEST_F(RunComparison, LeavesOutRunsOfDataThatHaveChangedSince) {
  EXPECT_EQ(run(1).size(), 2u);
  std::string csv = read_file(folder_ / "rows.csv");
  csv.replace(csv.find("\n0,"), 3, "\n1,");
  write_file(folder_ / "rows.csv", csv);
  EXPECT_EQ(run(1).size(), 0u);
  EXPECT_CONTAINS(warnings_.all(), "holds a run of other data");
}

TEST_F(RunComparison, LeavesOutRunsThatWentOnFromAnotherNetwork) {
  take_greys("Greys");
  comparison_.methods = {{"first", "ae", {{"epochs", "1"}}},
                         {"second", "dec", {{"epochs", "1"}}, "first"}};
  ASSERT_EQ(run(1).size(), 2u) << warnings_.all();
  EXPECT_EQ(run(1).size(), 2u) << warnings_.all();
  const auto manifest = folder_ / "runs/greys-second-seed0/manifest.json";
  auto json = nlohmann::json::parse(read_file(manifest));
  json.at("given_network") = std::string(64, '0');
  write_file(manifest, json.dump());
  EXPECT_EQ(run(1).size(), 1u);
  EXPECT_CONTAINS(warnings_.all(), "went on from another network");
}

TEST_F(RunComparison, OfSomeClassesTakesTheirImagesAlone) {
  take_greys("Greys, two classes");
  comparison_.data[0].part.classes = 2;
  const auto runs = run(3);
  ASSERT_EQ(runs.size(), 2u) << warnings_.all();  // one seed of each method
  EXPECT_EQ(runs[0].scores.acc, 1);
  const RunFolder first(folder_ / "runs/greys-two-classes-ward-seed0");
  EXPECT_EQ(first.read_metrics().at("n"), 40);
  // The run is of the part, not of what the part was taken from.
  EXPECT_EQ(open_run(first.path(), warnings_, CancelToken()).dataset.size(), 40);
}

TEST_F(RunComparison, SelectionKeepsWhatARowStartsFrom) {
  comparison_.methods = {{"first", "ae"},
                         {"second", "dec", {}, "first"},
                         {"other", "dac"},
                         {"third", "ae-dac", {}, "second"}};
  select_from(comparison_, {"third"}, {});
  ASSERT_EQ(comparison_.methods.size(), 3u);
  EXPECT_EQ(comparison_.methods[0].label, "first");
  EXPECT_EQ(comparison_.methods[1].label, "second");
  EXPECT_EQ(comparison_.methods[2].label, "third");
  EXPECT_CONTAINS(user_error_of([&] { select_from(comparison_, {"fourth"}, {}); }),
                  "'fourth' is not in the table; it has: first; second; third");
  EXPECT_CONTAINS(user_error_of([&] { select_from(comparison_, {}, {"Columns"}); }),
                  "it has: Rows");
}

TEST(LastEnsemble, GivesTheBestAndTheMeanOfItsBases) {
  const auto scores = [](double acc) -> nlohmann::json {
    return {{"acc", acc}, {"nmi", acc / 2}, {"ari", acc / 4}};
  };
  const auto line = [&](std::vector<nlohmann::json> bases, double consensus) -> nlohmann::json {
    return {{"stage", "consensus"},
            {"bases", {{"scores", bases}}},
            {"consensus_scores", scores(consensus)}};
  };
  EXPECT_FALSE(last_ensemble({{{"stage", "contrast"}}, {{"stage", "consensus"}}}));
  const auto last = last_ensemble({line({scores(0.9)}, 0.9),
                                   line({scores(0.4), scores(0.8), scores(0.6)}, 0.7),
                                   {{"stage", "ensemble"}}});
  ASSERT_TRUE(last);
  EXPECT_DOUBLE_EQ(last->best_base.nmi, 0.4);
  EXPECT_DOUBLE_EQ(last->mean_base.acc, 0.6);
  EXPECT_DOUBLE_EQ(last->consensus.ari, 0.175);
  Comparison comparison{.name = "small", .about = "", .methods = {{"two-step", "jdce"}}};
  comparison.data = {{.name = "Rows", .input = ""}};
  const ComparedRun run{
      .data = "Rows", .label = "two-step", .clusters = 2, .sizes = {20, 20}, .ensemble = last};
  EXPECT_CONTAINS(comparison_markdown(comparison, {run, run}),
                  "| two-step: mean base | 2 | 2 | 60.0 ± 0.0 | 30.0 ± 0.0 | 15.0 ± 0.0 | | | |");
}

}  // namespace
}  // namespace coterie
