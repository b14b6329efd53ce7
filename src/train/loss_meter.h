#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coterie/train/stage.h"

namespace coterie {

/// Mean of each named loss over the images of an epoch. Values stay on the device until `flush`, so
/// that a GPU need not wait after every step.
class LossMeter {
 public:
  /// The losses of one step over `images` images.
  void add(const Losses& losses, std::int64_t images);
  /// A loss that is no finite number, and how many steps ago it was added (0: the last).
  struct Fault {
    std::string name;
    double value;
    std::int64_t steps_ago;
  };
  /// Takes what was added since the last call into the means, and returns the faults among it, the
  /// oldest first.
  std::vector<Fault> flush();

  std::int64_t images() const { return images_; }
  /// Means by name, in the order of the losses. Call `flush` first.
  std::vector<std::pair<std::string, double>> means() const;

  /// Sums as a checkpoint keeps them; numbers survive bit for bit.
  nlohmann::json save() const;
  void load(const nlohmann::json& state);

 private:
  std::vector<std::string> names_;
  std::vector<double> sums_;
  std::int64_t images_ = 0;
  std::vector<std::pair<torch::Tensor, std::int64_t>> pending_;
};

}  // namespace coterie
