#include "coterie/nn/tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/nn/batch_norm.h"

namespace coterie {
namespace {

struct TypePair {
  DType ours;
  torch::ScalarType theirs;
};
constexpr TypePair kTypes[] = {{DType::f16, torch::kHalf},  {DType::bf16, torch::kBFloat16},
                               {DType::f32, torch::kFloat}, {DType::f64, torch::kDouble},
                               {DType::i8, torch::kChar},   {DType::u8, torch::kByte},
                               {DType::i16, torch::kShort}, {DType::i32, torch::kInt},
                               {DType::i64, torch::kLong},  {DType::boolean, torch::kBool}};

std::string shape_text(torch::IntArrayRef shape) {
  std::vector<std::string> parts;
  for (const auto extent : shape) parts.push_back(std::to_string(extent));
  return fmt::format("[{}]", join(parts, ", "));
}

/// Parameters and buffers by dotted name.
std::vector<std::pair<std::string, torch::Tensor>> state_of(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.emplace_back(item.key(), item.value());
  return state;
}

DType dtype_of(const torch::Tensor& tensor) {
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == tensor.scalar_type()) return ours;
  throw UserError("a tensor of type {} cannot be stored", c10::toString(tensor.scalar_type()));
}

}  // namespace

torch::Tensor to_torch(const Tensor& tensor) {
  const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypePair& pair) { return pair.ours == tensor.dtype; });
  auto copy = torch::empty(tensor.shape, torch::TensorOptions(type->theirs));
  if (!tensor.bytes.empty()) std::memcpy(copy.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  return copy;
}

Tensor from_torch(const torch::Tensor& tensor) {
  const DType dtype = dtype_of(tensor);
  const torch::Tensor plain = tensor.detach().cpu().contiguous();
  Tensor copy{dtype, plain.sizes().vec(), std::vector<std::byte>(plain.nbytes())};
  if (!copy.bytes.empty()) std::memcpy(copy.bytes.data(), plain.data_ptr(), copy.bytes.size());
  return copy;
}

torch::Tensor rows_of(const torch::Tensor& all, const std::vector<std::int64_t>& rows) {
  return all.index_select(0, on_device(rows, all.device()));
}

Matrix<float> to_matrix(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
  Matrix<float> matrix(plain.size(0), plain.size(1));
  if (!matrix.empty()) std::memcpy(matrix.data(), plain.data_ptr(), plain.nbytes());
  return matrix;
}

void save_module(const torch::nn::Module& module, const std::string& prefix, TensorMap& tensors) {
  for (const auto& [name, tensor] : state_of(module)) tensors[prefix + name] = from_torch(tensor);
}

std::vector<std::string> module_faults(const torch::nn::Module& module, const std::string& prefix,
                                       const TensorMap& tensors) {
  std::vector<std::string> faults;
  const auto state = state_of(module);
  for (const auto& [name, tensor] : state) {
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) {
      faults.push_back(prefix + name + " is missing");
    } else if (found->second.shape != tensor.sizes().vec()) {
      faults.push_back(fmt::format("{}{} has shape {} instead of {}", prefix, name,
                                   shape_text(found->second.shape), shape_text(tensor.sizes())));
    } else if (found->second.dtype != dtype_of(tensor)) {
      faults.push_back(fmt::format("{}{} holds {} instead of {}", prefix, name,
                                   name_of(found->second.dtype), name_of(dtype_of(tensor))));
    }
  }
  for (auto it = tensors.lower_bound(prefix); it != tensors.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    const std::string name = it->first.substr(prefix.size());
    if (std::none_of(state.begin(), state.end(), [&](const auto& s) { return s.first == name; }))
      faults.push_back(prefix + printable(name) + " is unknown to the network");
  }
  return faults;
}

void load_module(torch::nn::Module& module, const std::string& prefix, const TensorMap& tensors) {
  auto faults = module_faults(module, prefix, tensors);
  if (!faults.empty()) {
    const std::size_t count = faults.size();
    if (count > 5) faults.resize(5);
    throw UserError(
        "the stored model does not fit the network: {}{}; was it made with other "
        "parameters?",
        join(faults, "; "), count > 5 ? fmt::format("; and {} more", count - 5) : "");
  }
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_of(module)) tensor.copy_(to_torch(tensors.at(prefix + name)));
}

void initialise(torch::nn::Module& module, RandomStream& stream) {
  torch::NoGradGuard no_grad;
  for (auto& child : module.named_children()) initialise(*child.value(), stream);
  auto parameters = module.named_parameters(/*recurse=*/false);
  if (parameters.is_empty()) return;
  if (module.as<torch::nn::BatchNorm1d>() || module.as<torch::nn::BatchNorm2d>() ||
      module.as<BatchNorm1d>() || module.as<BatchNorm2d>()) {
    parameters["weight"].fill_(1.0);
    parameters["bias"].fill_(0.0);
    return;
  }
  const torch::Tensor* weight = parameters.find("weight");
  if (!weight || weight->dim() < 2)
    throw std::logic_error("initialise knows no rule for the layer " + module.name());
  // [out, in, ...] for linear and convolution; a transposed convolution's [in, out, ...] is
  // treated alike, as libtorch does by default.
  const double bound = 1 / std::sqrt(static_cast<double>(weight->numel() / weight->size(0)));
  for (auto& parameter : parameters) {
    auto values = torch::empty(parameter.value().sizes(), torch::kFloat);
    auto* p = values.data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i)
      p[i] = static_cast<float>(bound * (2 * stream.uniform() - 1));
    parameter.value().copy_(values);
  }
}

void move_weights(torch::nn::Module& slow, const torch::nn::Module& fast, double momentum) {
  torch::NoGradGuard no_grad;
  const auto from = fast.parameters();
  auto to = slow.parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].lerp_(from[i], 1 - momentum);
}

}  // namespace coterie
