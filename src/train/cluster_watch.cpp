#include "coterie/train/cluster_watch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {

void ClusterWatch::start(std::int64_t clusters, const torch::Device& device) {
  counts_ = clusters > 0
                ? torch::zeros({clusters}, torch::TensorOptions(torch::kLong).device(device))
                : torch::Tensor();
}

void ClusterWatch::add(const torch::Tensor& labels) {
  if (!counting()) return;
  if (!labels.defined())
    throw std::logic_error("a stage with clusters must give the labels of its images");
  // bincount would have a GPU wait for the largest label.
  counts_.index_add_(0, labels, torch::ones_like(labels));
}

std::vector<std::int64_t> ClusterWatch::sizes() const {
  if (!counting()) return {};
  const torch::Tensor counts = counts_.cpu();
  return {counts.data_ptr<std::int64_t>(), counts.data_ptr<std::int64_t>() + counts.numel()};
}

nlohmann::json ClusterWatch::save() const { return sizes(); }

void ClusterWatch::load(const nlohmann::json& state) {
  if (counting()) counts_.copy_(torch::tensor(state.get<std::vector<std::int64_t>>()));
}

std::string collapse_of(const std::vector<std::int64_t>& sizes) {
  constexpr double kMostOfAll = 0.9;
  constexpr double kFewest = 1.0 / 3;
  const auto images = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  if (sizes.empty() || images == 0) return "";
  const auto largest = *std::max_element(sizes.begin(), sizes.end());
  const double share = static_cast<double>(largest) / static_cast<double>(images);
  if (share > kMostOfAll)
    return fmt::format("one cluster holds {:.0f} % of the images", 100 * share);
  const auto dead = std::count(sizes.begin(), sizes.end(), 0);
  if (dead > 0) return fmt::format("{} of {} clusters hold no image", dead, sizes.size());
  double entropy = 0;
  for (const std::int64_t size : sizes) {
    const double part = static_cast<double>(size) / static_cast<double>(images);
    entropy -= part * std::log(part);
  }
  // As many clusters of equal size would be as undecided.
  const double used = std::exp(entropy);
  if (used < kFewest * static_cast<double>(sizes.size()))
    return fmt::format("{} clusters are as unequal as if there were {:.1f}", sizes.size(), used);
  return "";
}

}  // namespace coterie
