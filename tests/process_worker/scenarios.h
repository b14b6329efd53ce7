#pragma once

#include <map>
#include <string>

#include "coterie/train/processes.h"

namespace coterie::scenarios {

/// A check that several processes make together; throws where it fails.
using Scenario = void (*)(const Processes&);
using Scenarios = std::map<std::string, Scenario>;

Scenarios of_processes();
Scenarios of_reducer();
Scenarios of_batch_norm();
Scenarios of_engine();

inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

inline void require_close(const torch::Tensor& actual, const torch::Tensor& expected,
                          double tolerance, const std::string& what) {
  std::ostringstream text;
  text << what << ":\n" << actual << "\ninstead of\n" << expected;
  require(actual.sizes() == expected.sizes() &&
              (actual - expected).abs().max().item<double>() <= tolerance,
          text.str());
}

/// This process's part of a global batch, split evenly along the first dimension.
inline torch::Tensor own_part(const torch::Tensor& batch, const Processes& processes) {
  const auto rows = batch.size(0) / processes.size();
  return batch.narrow(0, processes.rank() * rows, rows).clone();
}

}  // namespace coterie::scenarios
