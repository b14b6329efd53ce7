#pragma once

#include <memory>
#include <string>

#include "coterie/core/matrix.h"
#include "coterie/core/progress.h"

namespace coterie {

/// Features [N, D] and the memory that holds them.
struct FeatureRows {
  ConstFeatures values;
  std::shared_ptr<const void> storage;
};

/// Throws UserError naming the first row and column (from 0) that hold NaN or an infinite value.
/// `name` is what the message calls the source.
void check_finite(ConstFeatures features, const std::string& name, const CancelToken& cancel);

/// sha256 over the shape and the values.
std::string fingerprint_of(ConstFeatures features, const CancelToken& cancel);

}  // namespace coterie
