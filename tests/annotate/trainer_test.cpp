#include "coterie/annotate/trainer.h"

#include <gtest/gtest.h>

#include "coterie/core/files.h"
#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/run/cluster.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;
using testing::Warnings;

TEST(RefiningMethod, IsOneThatLearnsCorrections) {
  for (const auto& method : registered_methods()) {
    const std::string name = refining_method(method.info);
    const MethodInfo& refining = create_method(name)->info();
    EXPECT_TRUE(refining.learns_corrections) << method.info.name << " is refined by " << name;
    if (method.info.learns_corrections) {
      EXPECT_EQ(name, method.info.name);
    }
  }
  const auto of = [](const char* name) { return refining_method(create_method(name)->info()); };
  EXPECT_EQ(of("simclr"), "dpac");
  EXPECT_EQ(of("moco"), "dpac");
  EXPECT_EQ(of("ae"), "ae-dac");
  EXPECT_EQ(of("dae"), "ae-dac");
  EXPECT_EQ(of("vae"), "dpac");
  EXPECT_EQ(of("pac"), "dpac");
}

/// Forty grey images of 16 x 16, dark and light ones in turn, clustered quickly.
class TrainedRounds : public ::testing::Test {
 protected:
  LoadedRun cluster(const std::string& method, std::map<std::string, std::string> parameters) {
    using namespace std::string_literals;
    std::string pixels(40 * 256, '\0');
    for (int i = 0; i < 40; ++i)
      std::fill_n(pixels.begin() + i * 256, 256, static_cast<char>(i % 2 * 90 + i));
    write_file(folder_ / "images", "\0\0\x08\x03\0\0\0\x28\0\0\0\x10\0\0\0\x10"s + pixels);
    ClusterRequest request{.out = folder_ / "run"};
    request.settings.input = (folder_ / "images").native();
    request.settings.load.cache = folder_ / "cache";
    request.settings.clusters = 2;
    request.settings.method = method;
    request.settings.constraints = answers_;
    request.settings.parameters = std::move(parameters);
    Warnings warnings;
    return run_clustering(request, warnings, CancelToken());
  }
  /// A round on `from` in which image 0 and 1 belong together.
  RoundRequest request(const LoadedRun& run, const std::string& out) const {
    RoundRequest made{.from = run.folder.path(), .out = folder_ / out, .clusters = 2};
    made.corrections.constraints = {{0, 2, Link::must}, {0, 1, Link::cannot}};
    for (const auto& row : run.rows) made.corrections.labels.push_back(row.label);
    return made;
  }

  TemporaryFolder folder_;
  std::string answers_;  ///< csv of constraints for the first run
};

TEST_F(TrainedRounds, SlowAnAutoencodersClustersAreRefinedFromItsNetwork) {
  const LoadedRun run = cluster("ae", {{"epochs", "2"}, {"batch_size", "16"}, {"rotate", "3"}});
  RoundRequest round = request(run, "rounds/001");
  round.labels_changed = true;
  round.corrections.labels[0] = 1 - round.corrections.labels[0];
  Warnings warnings;
  RunTrainer().train(round, warnings, CancelToken());
  const auto manifest = RunFolder(round.out).read_finished_manifest();
  EXPECT_EQ(manifest.at("method"), "ae-dac");
  const RunSettings settings = settings_from_json(manifest.at("settings"));
  EXPECT_EQ(settings.init_from, run.folder.path());
  // What describes the network and its images is taken over, how it was trained is not.
  EXPECT_EQ(settings.parameters.at("rotate"), "3");
  EXPECT_EQ(settings.parameters.at("bottleneck"), manifest.at("parameters").at("bottleneck"));
  for (const char* trained : {"epochs", "learning_rate", "batch_size"})
    EXPECT_FALSE(settings.parameters.contains(trained)) << trained;
  EXPECT_EQ(RunFolder(round.out).read_assignments().size(), 40u);
  // The next round goes on with that method.
  const LoadedRun first = open_run(round.out, warnings, CancelToken());
  RoundRequest next = request(first, "rounds/002");
  RunTrainer().train(next, warnings, CancelToken());
  EXPECT_EQ(RunFolder(next.out).read_finished_manifest().at("method"), "ae-dac");
}

TEST_F(TrainedRounds, SlowWhatDcscLeavesWithoutAHeadDpacRefines) {
  const LoadedRun run =
      cluster("dcsc", {{"epochs", "1"}, {"batch_size", "16"}, {"semantic_loss", "false"}});
  RoundRequest round = request(run, "rounds/001");
  Warnings warnings;
  RunTrainer().train(round, warnings, CancelToken());
  const auto manifest = RunFolder(round.out).read_finished_manifest();
  EXPECT_EQ(manifest.at("method"), "dpac");
  EXPECT_EQ(settings_from_json(manifest.at("settings")).init_from, run.folder.path());
}

TEST_F(TrainedRounds, SlowAClusteringWithoutANetworkIsLearnedByANewOne) {
  const LoadedRun run = cluster("pac", {});
  RoundRequest round = request(run, "rounds/001");
  Warnings warnings;
  RunTrainer().train(round, warnings, CancelToken());
  const auto manifest = RunFolder(round.out).read_finished_manifest();
  EXPECT_EQ(manifest.at("method"), "dpac");
  const RunSettings settings = settings_from_json(manifest.at("settings"));
  EXPECT_EQ(settings.init_from, "");
  EXPECT_EQ(settings.precision, resolved_precision_name("auto", settings.device));
  const auto rows = RunFolder(round.out).read_assignments();
  ASSERT_EQ(rows.size(), 40u);
  int kept = 0;
  for (int i = 0; i < 40; ++i) kept += rows[i].label == round.corrections.labels[i];
  EXPECT_GE(kept, 38);
}

TEST_F(TrainedRounds, SlowAdcGoesOnFromItsNetworkAndLearnsEdits) {
  write_file(folder_ / "answers.csv", "id_a,id_b,link\n0,2,must\n0,1,cannot\n1,3,must\n");
  answers_ = (folder_ / "answers.csv").native();
  const LoadedRun run = cluster("adc", {{"epochs", "30"}, {"side", "8"}});
  std::filesystem::remove(folder_ / "answers.csv");  // the run remembers them
  RoundRequest round = request(run, "rounds/001");
  round.labels_changed = true;
  for (int i = 0; i < 40; ++i) round.corrections.labels[i] = i < 20;
  round.corrections.constraints = {};
  Warnings warnings;
  RunTrainer().train(round, warnings, CancelToken());
  const RunSettings settings =
      settings_from_json(RunFolder(round.out).read_finished_manifest().at("settings"));
  EXPECT_EQ(settings.method, "adc");
  EXPECT_EQ(settings.init_from, run.folder.path());
  EXPECT_EQ(settings.parameters.at("side"), "8");
  std::vector<std::string> paths;
  for (const auto& row : run.rows) paths.push_back(row.path);
  EXPECT_EQ(RunFolder(round.out).read_corrections(paths).constraints.size(), 3u);
  const auto rows = RunFolder(round.out).read_assignments();
  int learned = 0;
  for (int i = 0; i < 40; ++i) learned += rows[i].label == (i < 20);
  EXPECT_GE(learned, 30);
}

TEST_F(TrainedRounds, SlowAnotherMethodTrainsThemIfAskedTo) {
  const LoadedRun run = cluster("kmeans", {});
  RoundRequest round = request(run, "rounds/001");
  Warnings warnings;
  RunTrainer("adc").train(round, warnings, CancelToken());
  const RunFolder folder(round.out);
  const auto manifest = folder.read_finished_manifest();
  EXPECT_EQ(manifest.at("method"), "adc");
  EXPECT_EQ(settings_from_json(manifest.at("settings")).init_from, "");
  // It learned from the answers, not from the labels.
  EXPECT_TRUE(std::filesystem::exists(folder.file("constraints.csv")));
}

TEST(RunTrainer, RefusesAMethodThatCannotLearnCorrections) {
  const auto error = [](const char* method) {
    return user_error_of([=] { RunTrainer trainer(method); });
  };
  EXPECT_CONTAINS(error("kmeans"), "those that can are dec, idec");
  EXPECT_CONTAINS(error("nonsense"), "nonsense");
}

/// Trains a round until something of it is trained.
void interrupt(const RoundRequest& round) {
  class CancelsSoon : public Progress {
   public:
    explicit CancelsSoon(CancelToken& token) : token_(token) {}
    void update(std::int64_t done, std::string_view) override {
      if (done > 0) token_.cancel();
    }

   private:
    CancelToken& token_;
  };
  CancelToken token;
  CancelsSoon cancels(token);
  EXPECT_THROW(RunTrainer().train(round, cancels, token), Interrupted);
  EXPECT_EQ(RunFolder(round.out).state(), RunState::interrupted);
}

TEST_F(TrainedRounds, SlowACancelledRoundGoesOnWhileTheFileOfAnswersSaysTheSame) {
  answers_ = (folder_ / "answers.csv").native();
  write_file(answers_, "id_a,id_b,link\n0,4,must\n0,3,cannot\n");
  const LoadedRun run =
      cluster("ae-dac", {{"pretrain_epochs", "1"}, {"epochs", "1"}, {"batch_size", "16"}});
  const RoundRequest round = request(run, "rounds/001");
  const RunFolder folder(round.out);
  // A run that is gone on with keeps its command.
  const auto went_on = [&] {
    nlohmann::json begun = folder.read_manifest();
    begun["command"] = "begun before";
    folder.write_manifest(begun);
    Warnings warnings;
    RunTrainer().train(round, warnings, CancelToken());
    const nlohmann::json ended = folder.read_finished_manifest();
    EXPECT_FALSE(ended.at("settings").at("parameters").contains("pretrain_epochs"));
    return ended.at("command") == "begun before";
  };
  interrupt(round);
  EXPECT_TRUE(went_on());
  std::filesystem::remove_all(round.out);
  interrupt(round);
  write_file(answers_, "id_a,id_b,link\n0,6,must\n0,4,must\n0,3,cannot\n");
  EXPECT_FALSE(went_on());
}

TEST_F(TrainedRounds, SlowACancelledRoundBeginsAnewForOtherCorrections) {
  const LoadedRun run = cluster("ae", {{"epochs", "2"}, {"batch_size", "16"}});
  const RoundRequest round = request(run, "rounds/001");
  const RunFolder folder(round.out);
  interrupt(round);
  // Other corrections: what was begun does not count.
  RoundRequest other = round;
  other.corrections.constraints.push_back({3, 5, Link::must});
  Warnings warnings;
  RunTrainer().train(other, warnings, CancelToken());
  EXPECT_EQ(folder.state(), RunState::finished);
  std::vector<std::string> paths;
  for (const auto& row : run.rows) paths.push_back(row.path);
  EXPECT_EQ(folder.read_corrections(paths).constraints.size(), 3u);
}

}  // namespace
}  // namespace coterie
