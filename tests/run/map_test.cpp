#include "coterie/run/map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "coterie/core/files.h"
#include "coterie/run/run_folder.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::TemporaryFolder;
using testing::user_error_of;

/// A finished run's folder, as far as a map reads it, with these embeddings.
class EmbeddedRun {
 public:
  explicit EmbeddedRun(const Blobs& blobs) : folder(temporary_ / "run") {
    create_folder(folder.path());
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < blobs.truth.size(); ++i) paths.push_back(std::to_string(i));
    const std::vector<float> confidences(paths.size(), 1.0f);
    folder.write_assignments(assigned_rows(paths, blobs.truth, confidences, 10));
    folder.write_matrix("embeddings.npy", blobs.features);
    folder.write_manifest({{"status", "finished"},
                           {"settings", nlohmann::json::object()},
                           {"clusters", 10},
                           {"input", {{"n", paths.size()}}}});
  }

  nlohmann::json map(std::map<std::string, std::string> parameters, std::uint64_t seed = 0,
                     std::string snapshot = "") const {
    parameters.emplace("iterations", "200");
    Progress progress;
    return map_run({folder.path(), std::move(parameters), seed, std::move(snapshot)}, progress,
                   CancelToken());
  }

 private:
  TemporaryFolder temporary_;

 public:
  RunFolder folder;
};

/// Whether each row's nearest neighbour in the layout is of its own blob.
bool keeps_blobs_apart(const Matrix<float>& y, const std::vector<std::int32_t>& truth) {
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    std::int64_t nearest = i == 0 ? 1 : 0;
    const auto distance = [&](std::int64_t j) {
      return std::hypot(y(i, 0) - y(j, 0), y(i, 1) - y(j, 1));
    };
    for (std::int64_t j = 0; j < y.rows(); ++j)
      if (j != i && distance(j) < distance(nearest)) nearest = j;
    if (truth[i] != truth[nearest]) return false;
  }
  return true;
}

TEST(MapRun, LaysOutEmbeddingsAndSaysHow) {
  const Blobs blobs(120, 60, 3, 30.0);
  const EmbeddedRun run(blobs);
  const nlohmann::json map = run.map({{"perplexity", "12"}}, 5);
  const Matrix<float> y = run.folder.read_matrix("map.npy");
  ASSERT_EQ(y.rows(), 120);
  ASSERT_EQ(y.cols(), 2);
  EXPECT_TRUE(keeps_blobs_apart(y, blobs.truth));
  EXPECT_EQ(nlohmann::json::parse(read_file(run.folder.file("map.json"))), map);
  EXPECT_EQ(map.at("laid_out"), "embeddings");
  EXPECT_EQ(map.at("n"), 120);
  EXPECT_EQ(map.at("placed"), 0);
  EXPECT_EQ(map.at("columns"), 60);
  EXPECT_EQ(map.at("components"), 50);
  EXPECT_EQ(map.at("perplexity"), 12);
  EXPECT_EQ(map.at("seed"), 5);
  EXPECT_EQ(map.at("iterations"), 200);
  EXPECT_EQ(map.at("parameters").at("exaggeration_iterations"), "50");
  EXPECT_EQ(map.at("steps").size(), 4u);
  EXPECT_EQ(map.at("steps").back().at("kl"), map.at("kl"));
  EXPECT_GT(map.at("seconds"), 0);
}

TEST(MapRun, ASecondMapReplacesTheFirst) {
  const EmbeddedRun run(Blobs(60, 4, 3));
  run.map({}, 1);
  const std::string first = read_file(run.folder.file("map.npy"));
  const nlohmann::json other = run.map({}, 2);
  EXPECT_NE(read_file(run.folder.file("map.npy")), first);
  EXPECT_EQ(nlohmann::json::parse(read_file(run.folder.file("map.json"))), other);
  run.map({}, 1);
  EXPECT_EQ(read_file(run.folder.file("map.npy")), first);
}

TEST(MapRun, TheDefaultPerplexitySuitsSmallRuns) {
  const EmbeddedRun run(Blobs(40, 4, 3));
  EXPECT_EQ(run.map({}).at("perplexity"), 13);
  EXPECT_EQ(EmbeddedRun(Blobs(4, 2, 2)).map({}).at("perplexity"), 1);
  EXPECT_EQ(EmbeddedRun(Blobs(200, 2, 2)).map({}).at("perplexity"), 30);
  EXPECT_CONTAINS(user_error_of([&] { run.map({{"perplexity", "14"}}); }), "too large for 40 rows");
}

TEST(MapRun, PlacesTheRowsBeyondMost) {
  const Blobs blobs(240, 5, 3, 20.0);
  const EmbeddedRun run(blobs);
  const nlohmann::json map = run.map({{"most", "90"}});
  EXPECT_EQ(map.at("placed"), 150);
  EXPECT_NEAR(map.at("perplexity").get<double>(), 89.0 / 3, 1e-9);
  EXPECT_TRUE(keeps_blobs_apart(run.folder.read_matrix("map.npy"), blobs.truth));
  // More columns than components: they are learned from as many rows.
  const Blobs wide(240, 70, 3, 30.0);
  const EmbeddedRun wide_run(wide);
  wide_run.map({{"most", "90"}});
  EXPECT_TRUE(keeps_blobs_apart(wide_run.folder.read_matrix("map.npy"), wide.truth));
}

TEST(MapRun, LaysOutSnapshots) {
  const EmbeddedRun run(Blobs(50, 4, 3));
  EXPECT_CONTAINS(user_error_of([&] { run.map({}, 0, "adapt-5"); }), "has no snapshots");
  create_folder(run.folder.snapshots());
  const RunFolder snapshots(run.folder.snapshots());
  const Blobs seen(30, 6, 2);
  snapshots.write_matrix("adapt-0005.npy", seen.features);
  snapshots.write_matrix("adapt-0005-probabilities.npy", Matrix<float>(30, 2));
  const nlohmann::json map = run.map({}, 0, "adapt-5");
  EXPECT_EQ(map.at("laid_out"), "adapt-0005");
  EXPECT_EQ(map.at("n"), 30);
  EXPECT_EQ(snapshots.read_matrix("adapt-0005-map.npy").rows(), 30);
  EXPECT_FALSE(std::filesystem::exists(run.folder.file("map.npy")));
  EXPECT_EQ(run.map({}, 0, "adapt-0005").at("n"), 30);
  const std::string unknown = user_error_of([&] { run.map({}, 0, "adapt-6"); });
  EXPECT_CONTAINS(unknown, "there are: adapt-0005");
  EXPECT_EQ(unknown.find("probabilities"), std::string::npos);
  EXPECT_EQ(unknown.find("map"), std::string::npos);
}

TEST(MapRun, RefusesWhatItCannotLayOut) {
  const EmbeddedRun run(Blobs(50, 4, 3));
  EXPECT_CONTAINS(user_error_of([&] {
                    run.map({{"perplexty", "5"}});
                  }),
                  "--set perplexty=5: unknown parameter 'perplexty': did you mean 'perplexity'");
  EXPECT_CONTAINS(user_error_of([&] {
                    run.map({{"exaggeration_iterations", "300"}});
                  }),
                  "allowed is 0 to 200");
  EXPECT_CONTAINS(user_error_of([&] { EmbeddedRun(Blobs(3, 2, 2)).map({}); }), "needs 4 or more");
  run.folder.write_matrix("embeddings.npy", Matrix<float>(49, 4));
  EXPECT_CONTAINS(user_error_of([&] { run.map({}); }), "49 rows");
  run.folder.write_manifest({{"status", "interrupted"}, {"settings", nlohmann::json::object()}});
  EXPECT_CONTAINS(user_error_of([&] { run.map({}); }), "coterie resume");
}

TEST(MapRun, StoppedItLeavesTheEarlierMap) {
  const EmbeddedRun run(Blobs(50, 4, 3));
  run.map({}, 1);
  const std::string map = read_file(run.folder.file("map.npy"));
  const std::string facts = read_file(run.folder.file("map.json"));
  CancelToken cancel;
  cancel.cancel();
  Progress progress;
  EXPECT_THROW(map_run({.run = run.folder.path(), .seed = 2}, progress, cancel), Interrupted);
  EXPECT_EQ(read_file(run.folder.file("map.npy")), map);
  EXPECT_EQ(read_file(run.folder.file("map.json")), facts);
}

TEST(MapRun, AMapGoesWithItsRun) {
  const EmbeddedRun run(Blobs(50, 4, 3));
  run.map({});
  for (const auto& file : run.folder.list_files())
    EXPECT_EQ(file.at("name").get<std::string>().find("map"), std::string::npos);
  run.folder.remove_outputs();
  EXPECT_TRUE(std::filesystem::is_empty(run.folder.path()));
}

}  // namespace
}  // namespace coterie
