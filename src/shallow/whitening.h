#pragma once

#include <cstdint>

#include "coterie/core/matrix.h"
#include "coterie/core/safetensors.h"

namespace coterie {

/// The affine map after which rows have mean zero, and variance one along each of their principal
/// components: y = (x - mean) W, with W = V diag(lambda)^(-1/2) from the covariance
/// (1/N) sum (x - mean)(x - mean)^T = V diag(lambda) V^T. Components come in falling order of
/// lambda. Those below a millionth of the first are left out, and those beyond the first that hold
/// `share` of all variance, so W is [D, E] with E <= D.
class Whitening {
 public:
  /// Learns the map from rows [N, D], in double. Throws UserError where all rows are equal.
  void fit(ConstFeatures rows, double share = 1);
  /// Rows [N, D] to [N, E]. Throws UserError where D is another than in `fit`.
  Matrix<float> apply(ConstFeatures rows) const;

  /// The map's inner state: "mean" [1, D] and "map" [D, E].
  TensorMap save() const;
  void load(const TensorMap& tensors);

 private:
  Matrix<double> mean_;
  Matrix<double> map_;
};

}  // namespace coterie
