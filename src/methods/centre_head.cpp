#include "coterie/methods/centre_head.h"

#include <cstring>

#include "coterie/loss/distributions.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// A copy of a matrix as a tensor.
template <class T>
torch::Tensor tensor_of(const Matrix<T>& matrix, torch::ScalarType type) {
  auto values = torch::empty({matrix.rows(), matrix.cols()}, type);
  std::memcpy(values.data_ptr(), matrix.data(), values.nbytes());
  return values;
}

}  // namespace

torch::Tensor CentreHead::probabilities(const Description& description) {
  return student_t_assignment(description.codes.to(torch::kFloat), centres_, alpha_);
}

torch::Tensor CentreHead::log_probabilities(const Description& description) {
  return student_t_log_assignment(description.codes.to(torch::kFloat), centres_, alpha_);
}

void CentreHead::set(const Matrix<double>& centres) {
  torch::NoGradGuard no_grad;
  centres_.copy_(tensor_of(centres, torch::kDouble));
}

SharpenedTargets::SharpenedTargets(std::int64_t images, std::int64_t clusters)
    : rows_(register_buffer("rows", torch::zeros({images, clusters}))),
      labels_(register_buffer("labels", torch::full({images}, -1, torch::kLong))),
      changed_(register_buffer("changed", torch::ones({1}))) {}

void SharpenedTargets::update(const Matrix<float>& probabilities) {
  torch::NoGradGuard no_grad;
  const auto all = tensor_of(probabilities, torch::kFloat);
  rows_.copy_(target_distribution(all.to(torch::kDouble)));
  const auto labels = all.argmax(1);
  changed_.copy_(labels.ne(labels_.cpu()).to(torch::kFloat).mean());
  labels_.copy_(labels);
}

torch::Tensor SharpenedTargets::of(const std::vector<std::int64_t>& images) const {
  return rows_of(rows_, images);
}

}  // namespace coterie
