#include "coterie/shallow/stored_tensors.h"

#include <algorithm>

#include "coterie/core/error.h"

namespace coterie {

const Tensor& StoredTensors::find(const std::string& name, std::size_t dimensions,
                                  DType dtype) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end() || found->second.shape.size() != dimensions ||
      found->second.dtype != dtype)
    throw UserError(
        "the stored {} model has no tensor '{}' of {} dimension(s) in {}; train it again", model_,
        name, dimensions, name_of(dtype));
  return found->second;
}

template <class T>
Matrix<T> StoredTensors::matrix_of(const std::string& name, DType dtype) const {
  const Tensor& tensor = find(name, 2, dtype);
  Matrix<T> matrix(tensor.shape[0], tensor.shape[1]);
  const auto values = tensor.values<T>();
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

std::vector<double> StoredTensors::vector(const std::string& name) const {
  const auto values = find(name, 1, DType::f64).values<double>();
  return {values.begin(), values.end()};
}

Matrix<double> StoredTensors::matrix(const std::string& name) const {
  return matrix_of<double>(name, DType::f64);
}

Matrix<float> StoredTensors::float_matrix(const std::string& name) const {
  return matrix_of<float>(name, DType::f32);
}

std::vector<std::int32_t> StoredTensors::labels(const std::string& name) const {
  const auto values = find(name, 1, DType::i32).values<std::int32_t>();
  return {values.begin(), values.end()};
}

}  // namespace coterie
