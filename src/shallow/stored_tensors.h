#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/safetensors.h"

namespace coterie {

/// Reads a model's tensors by name. Throws UserError naming the model and the tensor that is absent
/// or of another type or dimension.
class StoredTensors {
 public:
  StoredTensors(const TensorMap& tensors, std::string_view model)
      : tensors_(tensors), model_(model) {}

  std::vector<double> vector(const std::string& name) const;
  Matrix<double> matrix(const std::string& name) const;
  Matrix<float> float_matrix(const std::string& name) const;
  std::vector<std::int32_t> labels(const std::string& name) const;

 private:
  const Tensor& find(const std::string& name, std::size_t dimensions, DType dtype) const;
  template <class T>
  Matrix<T> matrix_of(const std::string& name, DType dtype) const;
  const TensorMap& tensors_;
  std::string model_;
};

}  // namespace coterie
