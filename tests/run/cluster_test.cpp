#include "coterie/run/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coterie/core/files.h"
#include "coterie/run/run_folder.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::Warnings;

TEST(RunClustering, AMethodsRecordIsScoredWhereThereIsGroundTruth) {
  // Forty grey images of 16 x 16, dark and light ones in turn.
  const TemporaryFolder folder;
  using namespace std::string_literals;
  std::string pixels(40 * 256, '\0'), labels(40, '\0');
  for (int i = 0; i < 40; ++i) {
    labels[i] = static_cast<char>(i % 2);
    std::fill_n(pixels.begin() + i * 256, 256, static_cast<char>(i % 2 * 90 + i));
  }
  write_file(folder / "images", "\0\0\x08\x03\0\0\0\x28\0\0\0\x10\0\0\0\x10"s + pixels);
  write_file(folder / "labels", "\0\0\x08\x01\0\0\0\x28"s + labels);
  ClusterRequest request{.out = folder / "run"};
  request.settings.input = (folder / "images").native();
  request.settings.load.labels = (folder / "labels").native();
  request.settings.load.cache = folder / "cache";
  request.settings.clusters = 2;
  request.settings.method = "jdce";
  request.settings.parameters = {{"batch_size", "16"}, {"pretrain_epochs", "1"},
                                 {"iterations", "2"},  {"epochs", "1"},
                                 {"members", "2"},     {"soft", "true"}};
  Warnings warnings;
  run_clustering(request, warnings, CancelToken());
  int consensus = 0;
  for (const auto& line : RunFolder(folder / "run").read_history()) {
    if (line.at("stage") != "consensus") continue;
    ++consensus;
    EXPECT_GE(line.at("consensus_scores").at("acc"), 0.5);
    EXPECT_EQ(line.at("bases").at("scores").size(), 2u);
  }
  EXPECT_EQ(consensus, 2);
}

}  // namespace
}  // namespace coterie
