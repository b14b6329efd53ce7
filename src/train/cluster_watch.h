#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/nn/torch.h"

namespace coterie {

/// How many images of an epoch went to each cluster, and whether the clusters have collapsed.
class ClusterWatch {
 public:
  /// Starts an epoch of `clusters` clusters on a device, 0: nothing is counted.
  void start(std::int64_t clusters, const torch::Device& device);
  /// Counts labels [B], int64 in 0 .. clusters - 1. They stay on the device.
  void add(const torch::Tensor& labels);
  bool counting() const { return counts_.defined(); }

  /// Images per cluster so far, int64 [clusters] on the device.
  torch::Tensor& counts() { return counts_; }
  std::vector<std::int64_t> sizes() const;

  nlohmann::json save() const;
  void load(const nlohmann::json& state);

 private:
  torch::Tensor counts_;
};

/// In words, what is wrong with clusters of these sizes: one holds more than 90 % of the images, or
/// some hold none, or few hold so much that the exponential of the sizes' entropy is below a third of
/// their number; empty where nothing is.
std::string collapse_of(const std::vector<std::int64_t>& sizes);

}  // namespace coterie
