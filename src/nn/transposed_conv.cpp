#include "coterie/nn/transposed_conv.h"

namespace coterie {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// One of the two gradients of the convolution `y = conv(image, weight)`, given dL/dy = `x`:
/// dL/dimage (which is the transposed convolution of x) or dL/dweight.
enum class Gradient { image, weight };
torch::Tensor convolution_gradient(Gradient which, const torch::Tensor& x,
                                   const torch::Tensor& image, const torch::Tensor& weight,
                                   const TransposedGeometry& g) {
  const bool image_wanted = which == Gradient::image;
  auto results = at::convolution_backward(
      x, image, weight, c10::nullopt, {g.stride, g.stride}, {g.padding, g.padding}, {1, 1},
      /*transposed=*/false, {0, 0}, /*groups=*/1, {image_wanted, !image_wanted, false});
  return image_wanted ? std::get<0>(results) : std::get<1>(results);
}

struct Transposed : torch::autograd::Function<Transposed> {
  static torch::Tensor forward(AutogradContext* context, torch::Tensor x, torch::Tensor weight,
                               std::int64_t stride, std::int64_t padding,
                               std::int64_t output_padding) {
    const TransposedGeometry geometry{stride, padding, output_padding};
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    // Only the shape of the image is read.
    const auto image =
        torch::empty({x.size(0), weight.size(1), geometry.output_side(x.size(2), weight.size(2)),
                      geometry.output_side(x.size(3), weight.size(3))},
                     x.options());
    return convolution_gradient(Gradient::image, x, image, weight, geometry);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& weight = saved[1];
    const TransposedGeometry geometry{context->saved_data["stride"].toInt(),
                                      context->saved_data["padding"].toInt(), 0};
    const auto gradient = gradients[0].contiguous();
    torch::Tensor to_x, to_weight;
    if (context->needs_input_grad(0))
      to_x = torch::conv2d(gradient, weight, {}, geometry.stride, geometry.padding);
    if (context->needs_input_grad(1))
      to_weight = convolution_gradient(Gradient::weight, x, gradient, weight, geometry);
    return {to_x, to_weight, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor transposed_conv2d(const torch::Tensor& x, const torch::Tensor& weight,
                                const TransposedGeometry& g) {
  if (x.is_cpu()) return Transposed::apply(x, weight, g.stride, g.padding, g.output_padding);
  return torch::conv_transpose2d(x, weight, {}, g.stride, g.padding, g.output_padding);
}

TransposedConv2dImpl::TransposedConv2dImpl(std::int64_t inputs, std::int64_t outputs,
                                           std::int64_t kernel, TransposedGeometry geometry)
    : geometry_(geometry) {
  weight_ = register_parameter("weight", torch::zeros({inputs, outputs, kernel, kernel}));
  bias_ = register_parameter("bias", torch::zeros({outputs}));
}

torch::Tensor TransposedConv2dImpl::forward(const torch::Tensor& x) {
  return transposed_conv2d(x, weight_, geometry_) + bias_.view({1, -1, 1, 1});
}

}  // namespace coterie
