#include "coterie/methods/torchscript.h"

#include <torch/script.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "coterie/core/error.h"
#include "coterie/nn/autoencoder.h"
#include "coterie/nn/resnet.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// Strides and paddings of the convolutions of a network, and the small figures of its batch norms,
/// by name: what its tensors do not say.
struct Geometry {
  std::map<std::string, torch::nn::Conv2dOptions> convolutions;
  std::map<std::string, double> epsilons;

  Geometry(const torch::nn::Module& network, const std::string& prefix) {
    for (const auto& item : network.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
      const std::string name = prefix + item.key();
      if (const auto* layer = item.value()->as<torch::nn::Conv2d>())
        convolutions.emplace(name, torch::nn::Conv2dOptions(layer->options.in_channels(),
                                                            layer->options.out_channels(),
                                                            layer->options.kernel_size())
                                       .stride(layer->options.stride())
                                       .padding(layer->options.padding()));
      else if (const auto* norm = item.value()->as<BatchNorm2d>())
        epsilons[name] = norm->options.eps();
    }
  }
};

/// Writes the program line by line. Every value is called x, or by the name that it is kept under.
class Writer {
 public:
  explicit Writer(const NetworkModel& model)
      : model_(model), tensors_(model.stored.tensors), module_("coterie") {}

  std::string write() {
    if (!model_.stored.meta.contains("side")) refuse();
    const auto& sizes = model_.stored.meta.at("shape");
    const std::int64_t side = model_.stored.meta.at("side");
    line("x = images");
    if (sizes.at(1) != side || sizes.at(2) != side)
      line(fmt::format("x = torch._upsample_bilinear2d_aa(x, [{0}, {0}], False)", side));
    if (has("backbone/conv1.weight"))
      write_backbone(sizes.at(0), side);
    else if (has("autoencoder/encoder.0.weight"))
      write_encoder(sizes.at(0), side);
    else
      refuse();
    write_head();
    write_order();
    module_.define("def forward(self, images):\n" + text_ +
                   "    return (probabilities.argmax(1), probabilities, codes)\n");
    module_.eval();
    std::ostringstream bytes;
    module_.save(bytes);
    return bytes.str();
  }

 private:
  bool has(const std::string& name) const { return tensors_.contains(name); }

  [[noreturn]] void refuse() const {
    throw UserError(
        "TorchScript can hold methods whose clusters come from a head on a residual network or an "
        "autoencoder, and method {} is none of them; use --model safetensors",
        model_.method);
  }

  void line(const std::string& code) { text_ += "    " + code + "\n"; }

  /// Makes a tensor part of the module. Returns how the program calls it.
  std::string keep(const std::string& name, const torch::Tensor& tensor) {
    std::string plain;
    for (const char c : name) plain += c == '/' || c == '.' ? '_' : c;
    if (!module_.hasattr(plain)) module_.register_buffer(plain, tensor);
    return "self." + plain;
  }
  std::string keep(const std::string& name) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end())
      throw UserError("the stored model has no tensor '{}'; train it again", name);
    return keep(name, to_torch(found->second));
  }
  std::int64_t dimensions(const std::string& name) const {
    return static_cast<std::int64_t>(tensors_.at(name).shape.size());
  }

  std::string parameter(const char* name) const {
    return model_.stored.meta.at("parameters").value(name, "");
  }

  void convolution(const Geometry& geometry, const std::string& name, const std::string& from) {
    const auto& options = geometry.convolutions.at(name);
    // Of std or, before libtorch 2, of c10: the argument says which.
    const auto padding = get<torch::ExpandingArray<2>>(options.padding());
    line(fmt::format("x = torch.conv2d({}, {}, {}, [{}, {}], [{}, {}])", from,
                     keep(name + ".weight"), has(name + ".bias") ? keep(name + ".bias") : "None",
                     options.stride()->at(0), options.stride()->at(1), padding->at(0),
                     padding->at(1)));
  }

  void norm(const std::string& name, double epsilon, const std::string& value = "x") {
    line(fmt::format("{0} = torch.batch_norm({0}, {1}, {2}, {3}, {4}, False, 0.1, {5}, True)",
                     value, keep(name + ".weight"), keep(name + ".bias"),
                     keep(name + ".running_mean"), keep(name + ".running_var"), epsilon));
  }

  void write_backbone(std::int64_t channels, std::int64_t side) {
    static const std::map<std::string, ResNetKind> kKinds = {{"compact", ResNetKind::compact},
                                                             {"resnet18", ResNetKind::resnet18},
                                                             {"resnet34", ResNetKind::resnet34},
                                                             {"resnet50", ResNetKind::resnet50}};
    const ResNetStem stem = stem_for(side);
    const ResNet network(
        ResNetShape{.kind = kKinds.at(parameter("backbone")), .stem = stem, .channels = channels});
    const std::string prefix = "backbone/";
    const Geometry geometry(*network, prefix);
    const auto conv_and_norm = [&](const std::string& conv, const std::string& norm_name,
                                   const std::string& from) {
      convolution(geometry, conv, from);
      norm(norm_name, geometry.epsilons.at(norm_name));
    };
    line(fmt::format("x = (x - {}) / {}", keep("mean"), keep("deviation")));
    conv_and_norm(prefix + "conv1", prefix + "bn1", "x");
    line("x = torch.relu(x)");
    if (stem == ResNetStem::medium) line("x = torch.max_pool2d(x, [2, 2], [2, 2])");
    if (stem == ResNetStem::large) line("x = torch.max_pool2d(x, [3, 3], [2, 2], [1, 1])");
    for (int l = 1; has(fmt::format("{}layer{}.0.conv1.weight", prefix, l)); ++l)
      for (int b = 0; has(fmt::format("{}layer{}.{}.conv1.weight", prefix, l, b)); ++b) {
        const std::string block = fmt::format("{}layer{}.{}.", prefix, l, b);
        line("block = x");
        for (int c = 1; has(fmt::format("{}conv{}.weight", block, c)); ++c) {
          if (c > 1) line("x = torch.relu(x)");
          conv_and_norm(fmt::format("{}conv{}", block, c), fmt::format("{}bn{}", block, c), "x");
        }
        line("inner = x");
        line("x = block");
        if (has(block + "downsample.0.weight"))
          conv_and_norm(block + "downsample.0", block + "downsample.1", "x");
        line("x = torch.relu(inner + x)");
      }
    line("features = x.mean([2, 3])");
    line("codes = features");
  }

  void write_encoder(std::int64_t channels, std::int64_t side) {
    const Autoencoder network(AutoencoderShape{.channels = channels, .side = side});
    const std::string prefix = "autoencoder/";
    const Geometry geometry(*network, prefix);
    line(fmt::format("x = x - {}", keep("mean")));
    for (int i = 0; has(fmt::format("{}encoder.{}.weight", prefix, i)); i += 3) {
      convolution(geometry, fmt::format("{}encoder.{}", prefix, i), "x");
      const std::string norm_name = fmt::format("{}encoder.{}", prefix, i + 1);
      norm(norm_name, geometry.epsilons.at(norm_name));
      line("x = torch.relu(x)");
    }
    line("features = x.flatten(1)");
    line("codes = features");
    if (has(prefix + "to_code.weight")) linear(prefix + "to_code", "features", "codes");
  }

  void linear(const std::string& name, const std::string& from, const std::string& to) {
    line(fmt::format("{} = torch.linear({}, {}, {})", to, from, keep(name + ".weight"),
                     keep(name + ".bias")));
  }

  /// Linear layers with batch norm, where there is one, and ReLU between, from `features` to x.
  void mlp(const std::string& name) {
    const auto layer = [&](int i) { return fmt::format("{}.layers.{}", name, i); };
    int last = 0;
    for (const auto& [each, unused] : tensors_)
      for (int i = last + 1; i < kMostLayers; ++i)
        if (each == layer(i) + ".weight") last = i;
    line("x = features");
    // ReLU and dropout have no tensors: they are gaps in the numbers.
    for (int i = 0; i <= last; ++i)
      if (!has(layer(i) + ".weight"))
        line("x = torch.relu(x)");
      else if (dimensions(layer(i) + ".weight") == 2)
        linear(layer(i), "x", "x");
      else
        norm(layer(i), kEpsilon);
  }

  /// Student's t of the distances of x to centres.
  void student_t(const std::string& centres, double alpha) {
    line(fmt::format("x = (x.unsqueeze(1) - {}.unsqueeze(0)).square().sum(2)", keep(centres)));
    line(fmt::format("probabilities = ({} * torch.log1p(x / {})).softmax(1)", -(alpha + 1) / 2,
                     alpha));
  }

  void write_head() {
    if (has("head/centres")) {
      line("x = codes");
      return student_t("head/centres", std::stod(parameter("alpha")));
    }
    if (has("head/layers.layers.0.weight")) {
      mlp("head/layers");
      if (has("head/last_norm.weight")) norm("head/last_norm", kEpsilon);
      if (parameter("head_end") == "norm-relu") line("x = torch.relu(x)");
      return line("probabilities = x.softmax(1)");
    }
    if (has("head/nearest.centres") && model_.method == "dcsc") {
      if (parameter("feature_loss") == "true")
        mlp("head/projector");
      else
        line("x = features");
      line("x = x.double()");
      line("x = (x / x.norm(2, [1], True).clamp_min(1e-12)).float()");
      return student_t("head/nearest.centres", 1);
    }
    if (!has("head/clusters.layers.0.weight")) refuse();
    const bool labels_decide =
        has("head/deciding") && tensors_.at("head/deciding").values<std::int64_t>()[0] == 1;
    if (labels_decide)
      linear("head/labels", "features", "x");
    else
      mlp("head/clusters");
    if (!has("head/nearest.centres")) return line("probabilities = x.softmax(1)");
    line("x = x.softmax(1)");
    student_t("head/nearest.centres", 1);
  }

  /// Columns in the order of the run's labels.
  void write_order() {
    std::vector<std::int64_t> columns(model_.label_order.size());
    for (std::size_t k = 0; k < columns.size(); ++k)
      columns[static_cast<std::size_t>(model_.label_order[k])] = static_cast<std::int64_t>(k);
    line(fmt::format("probabilities = probabilities.index_select(1, {})",
                     keep("label_columns", torch::tensor(columns, torch::kLong))));
  }

  static constexpr int kMostLayers = 64;
  static constexpr double kEpsilon = 1e-5;  // of batch norms in heads: libtorch's own

  const NetworkModel& model_;
  const TensorMap& tensors_;
  torch::jit::Module module_;
  std::string text_;
};

}  // namespace

std::string torchscript_of(const NetworkModel& model) {
  const torch::NoGradGuard no_gradients;
  return Writer(model).write();
}

}  // namespace coterie
