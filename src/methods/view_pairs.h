#pragma once

#include "coterie/loss/contrastive.h"
#include "coterie/train/processes.h"

namespace coterie {

/// What a network made of two views in one batch: the rows of the first, then those of the second.
inline ViewPair halves(const torch::Tensor& both) {
  const auto parts = both.chunk(2);
  return {parts[0], parts[1]};
}

/// The rows of all processes.
inline ViewPair gathered(const ViewPair& own, const Processes& processes) {
  return {processes.gather(own.first), processes.gather(own.second)};
}

/// This process's share of info_nce over the rows of all.
inline torch::Tensor info_nce(const ViewPair& own, const Processes& processes, double temperature) {
  return info_nce(own, gathered(own, processes), processes.rank() * own.first.size(0), temperature);
}

}  // namespace coterie
