#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "coterie/annotate/trainer.h"
#include "coterie/run/cluster.h"

namespace coterie::testing {

/// A clustering to be written into a run folder by hand.
struct MadeClusters {
  std::vector<std::int32_t> labels;
  std::vector<float> confidences;  ///< of each image; the other clusters share the rest
  std::int64_t clusters = 0;       ///< 0: as many as the labels say
};

/// `size` images of each cluster 0..clusters-1, cluster by cluster. In each the first is the surest
/// (0.95), and confidence falls evenly to 0.55.
MadeClusters falling_clusters(std::int64_t clusters, std::int64_t size);

/// Names of so many images: image-0.png, ...
std::vector<std::string> made_paths(std::size_t images);

/// Writes a finished run folder. No method could load it, but all else is there.
void write_run(const std::filesystem::path& folder, const MadeClusters& made,
               const std::vector<std::string>& paths);

/// The same, opened: with grey images of 4 x 4 whose pixels are all the image's id.
LoadedRun made_run(const std::filesystem::path& folder, const MadeClusters& made,
                   std::vector<std::string> paths = {});

/// A trainer that needs no network: it finds what it is told to. Keeps what it was asked for.
class FakeTrainer : public Trainer {
 public:
  void train(const RoundRequest& request, Progress& progress, const CancelToken& cancel) override;

  std::vector<RoundRequest> requests;
  /// What a training does before it finds anything: wait, or throw.
  std::function<void(Progress&, const CancelToken&)> work = [](auto&, auto&) {};
  /// What it finds; by default the labels it was given, all surely.
  std::function<MadeClusters(const RoundRequest&)> found = [](const RoundRequest& request) {
    return MadeClusters{request.corrections.labels,
                        std::vector<float>(request.corrections.labels.size(), 0.9f),
                        request.clusters};
  };
};

}  // namespace coterie::testing
