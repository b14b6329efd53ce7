#include "coterie/run/snapshots.h"

#include <gtest/gtest.h>

#include <chrono>

#include "coterie/core/files.h"
#include "coterie/run/run_folder.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;

/// RUN/snapshots of a sample of three images, rows 0, 2 and 3 of four.
struct SampledRun {
  SampledRun() { write_file(folder / "rows.csv", "row,path\n0,a.png\n2,c.png\n3,d.png\n"); }
  /// A snapshot, written later than those before it.
  void add(const std::string& name, const std::vector<std::int32_t>& labels = {}) {
    const RunFolder files(folder.path());
    files.write_matrix((name + ".npy").c_str(), Matrix<float>(3, 2));
    std::filesystem::last_write_time(folder / (name + ".npy"),
                                     start + std::chrono::seconds(++written));
    if (labels.empty()) return;
    Matrix<float> probabilities(static_cast<std::int64_t>(labels.size()), 2);
    for (std::int64_t i = 0; i < probabilities.rows(); ++i) probabilities.row(i)[labels[i]] = 1;
    files.write_matrix((name + "-probabilities.npy").c_str(), probabilities);
  }
  nlohmann::json scores(const std::vector<std::int32_t>& truth) const {
    return snapshot_scores(folder.path(), truth, CancelToken());
  }

  TemporaryFolder folder;
  std::filesystem::file_time_type start = std::filesystem::file_time_type::clock::now();
  int written = 0;
};

TEST(Snapshots, StandInTheOrderOfTheirTraining) {
  SampledRun run;
  for (const char* name : {"contrast-0010", "contrast-0002", "cluster-0001"}) run.add(name);
  RunFolder(run.folder.path()).write_matrix("contrast-0002-map.npy", Matrix<float>(3, 2));
  write_file(run.folder / "notes-5.txt", "not one of them");
  std::vector<std::string> seen;
  for (const auto& [name, stage, epoch] : snapshots_of(run.folder.path()))
    seen.push_back(name + " " + stage + " " + std::to_string(epoch));
  EXPECT_EQ(seen, (std::vector<std::string>{"contrast-0002 contrast 2", "contrast-0010 contrast 10",
                                            "cluster-0001 cluster 1"}));
  EXPECT_TRUE(snapshots_of(run.folder / "none").empty());
}

TEST(Snapshots, AreScoredOnTheImagesOfTheSample) {
  SampledRun run;
  run.add("contrast-0001");  // no clusters yet
  run.add("cluster-0001", {0, 0, 1});
  run.add("cluster-0002", {0, 1, 1});
  const auto scores = run.scores({5, 9, 7, 7});  // rows 0, 2, 3: classes 5, 7, 7
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].at("stage"), "cluster");
  EXPECT_EQ(scores[0].at("epoch"), 1);
  EXPECT_DOUBLE_EQ(scores[0].at("acc"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores[0].at("purity"), 2.0 / 3);
  EXPECT_EQ(scores[1].at("epoch"), 2);
  EXPECT_EQ(scores[1].at("acc"), 1.0);
  EXPECT_EQ(scores[1].at("nmi"), 1.0);
  EXPECT_EQ(scores[1].at("ari"), 1.0);
}

TEST(Snapshots, OfOtherDataAreRefused) {
  SampledRun run;
  run.add("cluster-0001", {0, 1});
  EXPECT_CONTAINS(user_error_of([&] {
                    run.scores({0, 1, 0, 1});
                  }),
                  "has 2 rows, and rows.csv beside it 3");
  EXPECT_CONTAINS(user_error_of([&] { run.scores({0, 1, 0}); }), "row 3 is out of range: 0 to 2");
}

}  // namespace
}  // namespace coterie
