#include "coterie/run/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/core/safetensors.h"
#include "coterie/methods/runtime.h"
#include "coterie/run/run_folder.h"
#include "idx_bytes.h"
#include "testing.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using testing::idx;
using testing::TemporaryFolder;
using testing::Warnings;

/// Requests for runs of jdce on forty grey images of 16 x 16, dark and light ones in turn.
class RunClustering : public ::testing::Test {
 protected:
  RunClustering() {
    std::string pixels(40 * 256, '\0'), labels(40, '\0');
    for (int i = 0; i < 40; ++i) {
      labels[i] = static_cast<char>(i % 2);
      std::fill_n(pixels.begin() + i * 256, 256, static_cast<char>(i % 2 * 90 + i));
    }
    write_file(folder_ / "images", idx({40, 16, 16}, pixels));
    std::reverse(pixels.begin(), pixels.end());
    write_file(folder_ / "others", idx({40, 16, 16}, pixels));
    write_file(folder_ / "labels", idx({40}, labels));
  }
  ClusterRequest request(const char* run) const {
    ClusterRequest request{.out = folder_ / run};
    request.settings.input = (folder_ / "images").native();
    request.settings.load.labels = (folder_ / "labels").native();
    request.settings.load.cache = folder_ / "cache";
    request.settings.clusters = 2;
    request.settings.method = "jdce";
    request.settings.parameters = {{"batch_size", "16"}, {"pretrain_epochs", "1"},
                                   {"iterations", "2"},  {"epochs", "1"},
                                   {"members", "2"},     {"labels", "head"}};
    return request;
  }
  ClusterRequest kmeans_request(const char* run) const {
    ClusterRequest kmeans = request(run);
    kmeans.settings.method = "kmeans";
    kmeans.settings.parameters = {};
    return kmeans;
  }
  std::vector<nlohmann::json> consensus_lines(const char* run) const {
    std::vector<nlohmann::json> lines;
    for (const auto& line : RunFolder(folder_ / run).read_history())
      if (line.at("stage") == "consensus") lines.push_back(line);
    return lines;
  }
  const TemporaryFolder folder_;
  Warnings warnings_;
};

TEST_F(RunClustering, AMethodsRecordIsScoredWhereThereIsGroundTruth) {
  ClusterRequest soft = request("run");
  soft.settings.parameters["soft"] = "true";
  run_clustering(soft, warnings_, CancelToken());
  const auto lines = consensus_lines("run");
  ASSERT_EQ(lines.size(), 2u);
  for (const auto& line : lines) EXPECT_GE(line.at("consensus_scores").at("acc"), 0.5);
  EXPECT_EQ(lines.at(0).at("bases").at("scores").size(), 2u);
  // The first consensus' bases take part in the second.
  EXPECT_EQ(lines.at(1).at("bases").at("scores").size(), 4u);
}

TEST_F(RunClustering, WhatAnotherRunReplacesStaysWhereItsInputIsWrong) {
  ClusterRequest first = kmeans_request("run");
  run_clustering(first, warnings_, CancelToken());
  ClusterRequest second = request("run");
  second.force = true;
  const auto refused = [&] {
    const std::string cause =
        testing::user_error_of([&] { run_clustering(second, warnings_, CancelToken()); });
    EXPECT_EQ(RunFolder(first.out).state(), RunState::finished);
    open_run(first.out, warnings_, CancelToken());
    return cause;
  };
  second.settings.weights = (folder_ / "absent.safetensors").native();
  EXPECT_CONTAINS(refused(), "absent.safetensors");
  second.settings.weights = {};
  second.settings.method = "adc";
  second.settings.parameters = {};
  second.settings.oracle = "truth";
  second.settings.load.labels = {};
  EXPECT_CONTAINS(refused(), "ground truth");
  // It would be gone before it is read.
  second.settings.oracle = (first.out / "assignments.csv").native();
  EXPECT_CONTAINS(refused(), "which the run reads");
}

TEST_F(RunClustering, AssignmentsThatWereChangedAreRefused) {
  ClusterRequest kmeans = kmeans_request("run");
  run_clustering(kmeans, warnings_, CancelToken());
  const RunFolder run(kmeans.out);
  const std::vector<AssignedRow> rows = run.read_assignments();
  const auto refused = [&](const std::vector<AssignedRow>& changed) {
    run.write_assignments(changed);
    return testing::user_error_of([&] { evaluate_run(kmeans.out, "", warnings_, CancelToken()); });
  };
  auto changed = rows;
  std::swap(changed[3], changed[4]);
  EXPECT_CONTAINS(refused(changed), "row 3");
  for (const std::int32_t label : {-1, 2, 999999999}) {
    changed = rows;
    changed[5].label = label;
    EXPECT_CONTAINS(refused(changed), fmt::format("line 7: cluster {}", label));
  }
  changed = rows;
  changed.pop_back();
  EXPECT_CONTAINS(refused(changed), "39 rows");
}

TEST_F(RunClustering, AFolderThatAnotherWritesIntoIsLeftAlone) {
  ClusterRequest first = kmeans_request("run");
  run_clustering(first, warnings_, CancelToken());
  ClusterRequest second = first;
  second.force = true;
  const RunFolder run(first.out);
  {
    const FileLock other = run.lock();
    EXPECT_CONTAINS(
        testing::user_error_of([&] { run_clustering(second, warnings_, CancelToken()); }),
        "open for writing");
    EXPECT_CONTAINS(
        testing::user_error_of([&] { resume_run(first.out, warnings_, CancelToken()); }),
        "open for writing");
    open_run(first.out, warnings_, CancelToken());  // reading is for all
  }
  EXPECT_EQ(run_clustering(second, warnings_, CancelToken()).clusters, 2);
}

TEST_F(RunClustering, WhatIsReplacedComesBackWhereTheNewRunFails) {
  ClusterRequest first = kmeans_request("run");
  run_clustering(first, warnings_, CancelToken());
  const RunFolder run(first.out);
  const std::string before = read_file(run.file("manifest.json"));
  write_safetensors(folder_ / "strange.safetensors",
                    {{"strange", make_tensor(Matrix<float>(1, 1))}});
  ClusterRequest second = request("run");
  second.force = true;
  second.settings.weights = (folder_ / "strange.safetensors").native();
  testing::user_error_of([&] { run_clustering(second, warnings_, CancelToken()); });
  EXPECT_EQ(read_file(run.file("manifest.json")), before);
  open_run(first.out, warnings_, CancelToken());
  EXPECT_FALSE(fs::exists(run.replaced()));
  EXPECT_FALSE(fs::exists(run.checkpoints()));
}

TEST_F(RunClustering, WhatIsReplacedIsKeptUntilTheNewRunIsDone) {
  ClusterRequest first = kmeans_request("run");
  run_clustering(first, warnings_, CancelToken());
  const RunFolder run(first.out);
  ClusterRequest second = request("run");
  second.force = true;
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(run_clustering(second, warnings_, cancel), Interrupted);
  EXPECT_CONTAINS(warnings_.all(), run.replaced().native());
  EXPECT_EQ(open_run(run.replaced(), warnings_, CancelToken()).manifest.at("method"), "kmeans");
  // Twice stopped, it is still the finished one that is kept.
  EXPECT_THROW(run_clustering(second, warnings_, cancel), Interrupted);
  open_run(run.replaced(), warnings_, CancelToken());
  EXPECT_EQ(resume_run(first.out, warnings_, CancelToken()).manifest.at("method"), "jdce");
  EXPECT_FALSE(fs::exists(run.replaced()));
}

TEST_F(RunClustering, AnUnfinishedRunIsReplacedInItsOwnFolder) {
  run_clustering(kmeans_request("other"), warnings_, CancelToken());  // decodes the images
  ClusterRequest stopped = request("run");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(run_clustering(stopped, warnings_, cancel), Interrupted);
  ClusterRequest second = kmeans_request("run");
  second.force = true;
  EXPECT_EQ(run_clustering(second, warnings_, CancelToken()).manifest.at("method"), "kmeans");
  EXPECT_FALSE(fs::exists(RunFolder(second.out).replaced()));
}

TEST_F(RunClustering, ACrashWhileARunIsSetAsideLosesNothing) {
  ClusterRequest first = kmeans_request("run");
  run_clustering(first, warnings_, CancelToken());
  const RunFolder run(first.out);
  run.set_aside();
  // As when it ended between two files.
  fs::rename(run.replaced() / "metrics.json", run.file("metrics.json"));
  EXPECT_CONTAINS(testing::user_error_of([&] { open_run(first.out, warnings_, CancelToken()); }),
                  "coterie resume");
  resume_run(first.out, warnings_, CancelToken());
  open_run(first.out, warnings_, CancelToken());
  EXPECT_FALSE(fs::exists(run.replaced()));
  run.set_aside();
  ClusterRequest second = kmeans_request("run");
  EXPECT_CONTAINS(testing::user_error_of([&] { run_clustering(second, warnings_, CancelToken()); }),
                  "holds a finished run");
  open_run(first.out, warnings_, CancelToken());
}

TEST(HistoryWriter, KnowsWhatTheEpochsBeforeAnInterruptionTook) {
  const testing::TemporaryFolder folder;
  const auto line = [](int epoch, double seconds) {
    return nlohmann::json{{"stage", "train"}, {"epoch", epoch}, {"seconds", seconds}};
  };
  HistoryWriter first(folder / "history.jsonl", /*resume=*/false);
  first.append(line(0, 2));
  first.append(line(1, 3));
  EXPECT_EQ(first.earlier_seconds(), 0);
  HistoryWriter second(folder / "history.jsonl", /*resume=*/true);
  EXPECT_EQ(second.earlier_seconds(), 5);
  second.append(line(1, 7));  // trained again
  second.append(line(2, 7));
  EXPECT_EQ(second.earlier_seconds(), 2);
}

TEST_F(RunClustering, GoesOnWithTheThreadsItHadOrThoseThatAreAsked) {
  run_clustering(kmeans_request("other"), warnings_, CancelToken());  // decodes the images
  const int before = thread_count();
  ClusterRequest stopped = request("run");
  CancelToken cancel;
  cancel.cancel();
  set_thread_count(3);
  EXPECT_THROW(run_clustering(stopped, warnings_, cancel), Interrupted);
  set_thread_count(1);
  EXPECT_THROW(resume_run(stopped.out, warnings_, cancel), Interrupted);
  EXPECT_EQ(RunFolder(stopped.out).read_manifest().at("threads"), 3);
  EXPECT_EQ(resume_run(stopped.out, warnings_, CancelToken(), 2).manifest.at("threads"), 2);
  EXPECT_EQ(thread_count(), 1);
  set_thread_count(before);
}

TEST_F(RunClustering, IsOpenedFromAnyWorkingFolder) {
  ClusterRequest kmeans = kmeans_request("run");
  const fs::path here = fs::current_path();
  fs::current_path(folder_ / "");
  kmeans.settings.load.labels = "labels";
  run_clustering(kmeans, warnings_, CancelToken());
  fs::current_path(here);
  EXPECT_TRUE(evaluate_run(kmeans.out, "", warnings_, CancelToken()).contains("acc"));
}

TEST_F(RunClustering, NarrowNumbersAreForDevicesThatHaveThem) {
  ClusterRequest narrow = request("run");
  narrow.settings.method = "simclr";
  narrow.settings.parameters = {{"batch_size", "16"}, {"epochs", "1"}};
  narrow.settings.device = "cpu";
  narrow.settings.precision = "bf16";
  run_clustering(narrow, warnings_, CancelToken());
  const auto used = RunFolder(folder_ / "run").read_finished_manifest().at("precision");
  EXPECT_EQ(used, resolved_precision_name("auto", "cpu"));
  EXPECT_EQ(used != "bf16", warnings_.all().find("no instructions for bf16") != std::string::npos);
}

TEST_F(RunClustering, ParametersWithoutEffectAreNamed) {
  ClusterRequest dpac = request("run");
  dpac.settings.method = "dpac";
  dpac.settings.parameters = {
      {"batch_size", "16"}, {"pretrain_epochs", "1"}, {"epochs", "1"}, {"queue", "32"}};
  run_clustering(dpac, warnings_, CancelToken());
  EXPECT_CONTAINS(warnings_.all(),
                  "--set queue has no effect: it counts only with contrast = moco");
  // Of a run that has its network and its clusters from another one.
  ClusterRequest second = dpac;
  second.out = folder_ / "second";
  second.settings.init_from = dpac.out.native();
  second.settings.parameters["start"] = "kmeans";
  run_clustering(second, warnings_, CancelToken());
  EXPECT_CONTAINS(warnings_.all(),
                  "--set pretrain_epochs has no effect: it counts only without --init-from");
  EXPECT_CONTAINS(warnings_.all(),
                  "--set start has no effect: it counts only where --init-from brings no clusters");
}

TEST_F(RunClustering, WhatIsSetForANetworkThatThereIsNoneOfIsNamed) {
  ClusterRequest narrow = kmeans_request("run");
  narrow.settings.precision = "bf16";
  EXPECT_EQ(run_clustering(narrow, warnings_, CancelToken()).manifest.at("precision"), "fp32");
  EXPECT_CONTAINS(warnings_.all(), "--precision bf16 has no effect: method kmeans trains no");
}

TEST_F(RunClustering, ANetworkComesWithTheParametersThatDescribeIt) {
  ClusterRequest first = request("first");
  first.settings.method = "simclr";
  first.settings.parameters = {
      {"batch_size", "16"}, {"epochs", "1"}, {"side", "20"}, {"projector_layers", "1"}};
  run_clustering(first, warnings_, CancelToken());
  ClusterRequest second = request("second");
  second.settings.method = "dpac";
  second.settings.parameters = {
      {"batch_size", "16"}, {"epochs", "0"}, {"projector_layers", "2"}, {"views", "weak"}};
  second.settings.init_from = first.out.native();
  const auto manifest = run_clustering(second, warnings_, CancelToken()).manifest;
  const nlohmann::json& used = manifest.at("parameters");
  EXPECT_EQ(used.at("side"), "20");
  EXPECT_EQ(used.at("batch_size"), "16");
  EXPECT_EQ(used.at("epochs"), "0");
  EXPECT_EQ(used.at("projector_layers"), "2");  // what is set stays
  EXPECT_EQ(used.at("views"), "weak");
  // Without it the projector of the first run is the second's.
  second.out = folder_ / "third";
  second.settings.parameters.erase("projector_layers");
  run_clustering(second, warnings_, CancelToken());
  const auto tensors = [](const fs::path& run) {
    return read_safetensors(RunFolder(run).file("model.safetensors")).tensors;
  };
  const TensorMap stored = tensors(first.out), taken = tensors(second.out);
  int projectors = 0;
  for (const auto& [name, tensor] : stored) {
    if (!name.starts_with("projector/")) continue;
    ++projectors;
    EXPECT_EQ(taken.at("head/projector." + name.substr(10)).bytes, tensor.bytes) << name;
  }
  EXPECT_GT(projectors, 0);
}

TEST_F(RunClustering, ClusteringsOfOtherRunsAreBases) {
  ClusterRequest kmeans = kmeans_request("kmeans");
  run_clustering(kmeans, warnings_, CancelToken());
  ClusterRequest ensemble = request("ensemble");
  ensemble.settings.bases.assign(3, kmeans.out.native());
  run_clustering(ensemble, warnings_, CancelToken());
  for (const auto& line : consensus_lines("ensemble"))
    for (const double nmi : line.at("bases").at("nmi_to_consensus").get<std::vector<double>>())
      EXPECT_NEAR(nmi, 1, 1e-12);

  ensemble.out = folder_ / "refused";
  ensemble.settings.input = (folder_ / "others").native();
  EXPECT_CONTAINS(
      testing::user_error_of([&] { run_clustering(ensemble, warnings_, CancelToken()); }),
      "other images");
  kmeans.out = folder_ / "refused";
  kmeans.settings.bases = ensemble.settings.bases;
  EXPECT_CONTAINS(testing::user_error_of([&] { run_clustering(kmeans, warnings_, CancelToken()); }),
                  "makes no consensus");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "refused"));
}

}  // namespace
}  // namespace coterie
