#pragma once

#include <cstdint>

#include "coterie/data/dataset.h"
#include "coterie/methods/method.h"

namespace coterie {

/// Answers from ground truth, for experiments: two images of one class belong together. A share
/// `noise` (0..1) of the pairs, the same in each call, is answered wrongly. `data` must outlive it.
/// Throws UserError where there is no ground truth.
Oracle truth_oracle(const Dataset& data, double noise, std::uint64_t seed);

/// Answers from constraints and what follows from them; other pairs stay without.
Oracle constraint_oracle(const std::vector<Constraint>& constraints, std::int64_t images);

}  // namespace coterie
