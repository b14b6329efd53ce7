#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"
#include "coterie/core/safetensors.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// A copy on the CPU with the same type, shape and values. Throws UserError on a type that the
/// other side lacks.
torch::Tensor to_torch(const Tensor& tensor);
Tensor from_torch(const torch::Tensor& tensor);

/// Numbers [n] on a device. A GPU takes them when it comes to it: nobody waits.
template <class T>
torch::Tensor on_device(const std::vector<T>& values, const torch::Device& device) {
  const auto tensor = torch::tensor(values, c10::CppTypeToScalarType<T>::value);
  return device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor;
}

/// The rows of `all` [N, ...] with these numbers, in their order.
torch::Tensor rows_of(const torch::Tensor& all, const std::vector<std::int64_t>& rows);

/// A copy of a float tensor [N, D], wherever it lies, as a matrix.
Matrix<float> to_matrix(const torch::Tensor& tensor);

/// Adds every parameter and buffer of `module` to `tensors`, named `prefix` + its dotted name.
void save_module(const torch::nn::Module& module, const std::string& prefix, TensorMap& tensors);

/// What keeps the tensors whose names start with `prefix` from being the parameters and buffers of
/// `module`: missing, of another shape or type, or unknown to the module. Empty where all fit.
std::vector<std::string> module_faults(const torch::nn::Module& module, const std::string& prefix,
                                       const TensorMap& tensors);

/// Copies tensors into the parameters and buffers of `module`, all of them or, with a UserError
/// that lists what did not fit, none.
void load_module(torch::nn::Module& module, const std::string& prefix, const TensorMap& tensors);

/// Draws every weight and bias of convolutions and linear layers uniformly from
/// +-1/sqrt(inputs of a unit), batch norms start at weight 1, bias 0. Same stream, same weights on
/// every machine and with every libtorch.
void initialise(torch::nn::Module& module, RandomStream& stream);

/// Moves the weights of `slow` by 1 - momentum towards those of `fast`, a module of the same make;
/// momentum 0 copies them. Buffers of batch norms stay as they are.
void move_weights(torch::nn::Module& slow, const torch::nn::Module& fast, double momentum);

}  // namespace coterie
