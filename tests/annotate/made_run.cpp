#include "annotate/made_run.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "coterie/core/files.h"

namespace coterie::testing {

MadeClusters falling_clusters(std::int64_t clusters, std::int64_t size) {
  MadeClusters made{.clusters = clusters};
  for (std::int64_t k = 0; k < clusters; ++k)
    for (std::int64_t i = 0; i < size; ++i) {
      made.labels.push_back(static_cast<std::int32_t>(k));
      const double fall = size > 1 ? static_cast<double>(i) / static_cast<double>(size - 1) : 0;
      made.confidences.push_back(static_cast<float>(0.95 - 0.4 * fall));
    }
  return made;
}

std::vector<std::string> made_paths(std::size_t images) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < images; ++i) paths.push_back(fmt::format("image-{}.png", i));
  return paths;
}

void write_run(const std::filesystem::path& path, const MadeClusters& made,
               const std::vector<std::string>& paths) {
  const std::int64_t clusters = made.clusters > 0
                                    ? made.clusters
                                    : *std::max_element(made.labels.begin(), made.labels.end()) + 1;
  const auto images = static_cast<std::int64_t>(made.labels.size());
  create_folder(path);
  const RunFolder folder(path);
  folder.write_assignments(assigned_rows(paths, made.labels, made.confidences, clusters));
  Matrix<float> probabilities(images, clusters);
  for (std::int64_t i = 0; i < images; ++i)
    for (std::int64_t k = 0; k < clusters; ++k)
      probabilities(i, k) = k == made.labels[i]
                                ? made.confidences[i]
                                : (1 - made.confidences[i]) / static_cast<float>(clusters - 1);
  folder.write_matrix("probabilities.npy", probabilities);
  folder.write_manifest({{"status", "finished"},
                         {"settings", nlohmann::json::object()},
                         {"method", "dpac"},
                         {"clusters", clusters},
                         {"seed", 7},
                         {"input",
                          {{"n", images}, {"fingerprint", "f00d"}, {"source", "/data/images"}}}});
}

LoadedRun made_run(const std::filesystem::path& path, const MadeClusters& made,
                   std::vector<std::string> paths) {
  if (paths.empty()) paths = made_paths(made.labels.size());
  write_run(path, made, paths);
  LoadedRun run;
  run.folder = RunFolder(path);
  run.manifest = run.folder.read_finished_manifest();
  run.rows = run.folder.read_assignments();
  run.clusters = run.manifest.at("clusters");
  run.dataset.paths = std::move(paths);
  run.dataset.fingerprint = "f00d";
  run.dataset.shape = {1, 4, 4};
  auto pixels = std::make_shared<std::vector<std::uint8_t>>();
  for (std::size_t i = 0; i < made.labels.size(); ++i)
    pixels->insert(pixels->end(), 16, static_cast<std::uint8_t>(i));
  run.dataset.pixels = pixels->data();
  run.dataset.storage = pixels;
  return run;
}

void FakeTrainer::train(const RoundRequest& request, Progress& progress,
                        const CancelToken& cancel) {
  requests.push_back(request);
  work(progress, cancel);
  cancel.check();
  std::vector<std::string> paths;
  for (const auto& row : RunFolder(request.from).read_assignments()) paths.push_back(row.path);
  const MadeClusters made = found(request);
  paths.resize(made.labels.size());
  write_run(request.out, made, paths);
}

}  // namespace coterie::testing
