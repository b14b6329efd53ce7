#include "coterie/shallow/stored_tensors.h"

#include <algorithm>

#include "coterie/core/error.h"

namespace coterie {

const Tensor& StoredTensors::find(const std::string& name, std::size_t dimensions) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end() || found->second.shape.size() != dimensions ||
      found->second.dtype != DType::f64)
    throw UserError(
        "the stored {} model has no tensor '{}' of {} dimension(s) in F64; train it again", model_,
        name, dimensions);
  return found->second;
}

std::vector<double> StoredTensors::vector(const std::string& name) const {
  const auto values = find(name, 1).values<double>();
  return {values.begin(), values.end()};
}

Matrix<double> StoredTensors::matrix(const std::string& name) const {
  const Tensor& tensor = find(name, 2);
  Matrix<double> matrix(tensor.shape[0], tensor.shape[1]);
  const auto values = tensor.values<double>();
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

}  // namespace coterie
