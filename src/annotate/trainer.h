#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "coterie/core/progress.h"
#include "coterie/methods/method.h"

namespace coterie {

/// What a round is to train.
struct RoundRequest {
  std::filesystem::path from;  ///< the finished run whose clusters were corrected
  std::filesystem::path out;   ///< the run folder to write
  std::int64_t clusters = 0;
  /// Labels are those of all images, numbered as in `from` as far as its clusters are still there.
  Corrections corrections;
  bool labels_changed = false;  ///< or else they are what `from` found
};

/// What trains rounds. Tests put something in its place that needs no network.
class Trainer {
 public:
  virtual ~Trainer() = default;
  /// Leaves a finished run in `request.out`, or throws: Interrupted where it was cancelled, with
  /// what the next call for the same request goes on from.
  virtual void train(const RoundRequest& request, Progress& progress,
                     const CancelToken& cancel) = 0;
};

/// Trains with the method of the run, or what stands in for it (`refining_method`), and its
/// settings. An unfinished run of the same request is gone on with; one of another is replaced.
class RunTrainer : public Trainer {
 public:
  /// `method` trains in place of the run's, with its defaults; empty: none does. Throws UserError
  /// where it does not learn corrections.
  explicit RunTrainer(std::string method = {});
  void train(const RoundRequest& request, Progress& progress, const CancelToken& cancel) override;

 private:
  std::string method_;
};

/// The method that learns corrections to what `method` found: itself, or where it cannot one that
/// goes on with its network (dpac after simclr and moco, ae-dac after ae and dae). Where there was
/// none it is dpac, with a network that learns all labels from its first weights.
std::string refining_method(const MethodInfo& method);

}  // namespace coterie
