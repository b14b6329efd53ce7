#include "coterie/methods/torchscript.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <sstream>

#include "coterie/methods/registry.h"
#include "methods/three_kinds.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::ToyImages;
using testing::user_error_of;
using Settings = std::map<std::string, std::string>;

/// A method trained for an epoch on 40 images of three kinds: enough for weights and running
/// statistics that differ from those at the start.
std::unique_ptr<Method> trained(const std::string& name, const ToyImages& images,
                                const Settings& settings) {
  auto method = create_method(name);
  Settings all = {{"epochs", "1"},      {"pretrain_epochs", "1"},
                  {"batch_size", "20"}, {"joint_batch_size", "20"},
                  {"iterations", "1"},  {"soft", "true"}};
  for (const auto& [key, value] : settings) all[key] = value;
  for (const auto& parameter : method->parameters())
    if (const auto found = all.find(parameter.name); found != all.end())
      method->set_parameter(found->first, found->second);
  method->fit(images.data, {.clusters = 3, .seed = 5});
  return method;
}

struct Case {
  std::string name;
  std::string method;
  Settings settings;
};

class SlowTorchScript : public ::testing::TestWithParam<Case> {};

TEST_P(SlowTorchScript, GivesWhatTheMethodPredicts) {
  const ToyImages images(40);
  const auto method = trained(GetParam().method, images, GetParam().settings);
  const Clustering predicted = method->predict(images.data, {.clusters = 3});
  const StoredModel stored = method->save();
  const std::vector<std::int32_t> order = {2, 0, 1};
  std::istringstream bytes(torchscript_of({GetParam().method, stored, order}));

  torch::jit::Module module = torch::jit::load(bytes);
  const torch::NoGradGuard no_gradients;
  const auto pixels =
      torch::from_blob(const_cast<std::uint8_t*>(images.data.pixels), {40, 1, 28, 28}, torch::kByte)
          .to(torch::kFloat) /
      255;
  const auto outputs = module.forward({pixels}).toTuple()->elements();
  const auto labels = outputs[0].toTensor(), probabilities = outputs[1].toTensor();
  const auto embeddings = outputs[2].toTensor();
  ASSERT_EQ(probabilities.sizes(), (std::vector<std::int64_t>{40, 3}));
  ASSERT_EQ(embeddings.size(1), predicted.embeddings.cols());
  for (std::int64_t i = 0; i < 40; ++i) {
    // Two clusters that are level within the tolerance may change places.
    const auto label = labels[i].item<std::int64_t>();
    EXPECT_EQ(label, probabilities[i].argmax().item<std::int64_t>()) << i;
    EXPECT_NEAR(probabilities[i][label].item<float>(),
                predicted.probabilities(i, predicted.labels[i]), 1e-4)
        << i;
    for (std::int64_t k = 0; k < 3; ++k)
      EXPECT_NEAR(probabilities[i][order[k]].item<float>(), predicted.probabilities(i, k), 1e-4);
    for (std::int64_t e = 0; e < predicted.embeddings.cols(); ++e)
      EXPECT_NEAR(embeddings[i][e].item<float>(), predicted.embeddings(i, e),
                  1e-4 * (1 + std::abs(predicted.embeddings(i, e))));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, SlowTorchScript,
    ::testing::Values(Case{"cc", "cc", {}}, Case{"resized", "cc", {{"side", "16"}}},
                      Case{"bottlenecks", "cc", {{"side", "16"}, {"backbone", "resnet50"}}},
                      Case{"medium_stem", "cc", {{"side", "56"}, {"batch_size", "40"}}},
                      Case{"dpac", "dpac", {{"side", "16"}}},
                      Case{"dcsc", "dcsc", {{"side", "16"}}},
                      Case{"centres", "dcsc", {{"side", "16"}, {"cluster_loss", "false"}}},
                      Case{"jdce", "jdce", {{"side", "16"}}}, Case{"dec", "dec", {}},
                      Case{"idec", "idec", {{"alpha", "2"}}}, Case{"dac", "dac", {}},
                      Case{"ae_opa", "ae-opa", {{"bottleneck", "0"}}},
                      Case{"ae_dac", "ae-dac", {{"head_end", "norm-relu"}}}),
    [](const auto& instance) { return instance.param.name; });

TEST(TorchScriptOf, MethodsWithoutAHeadAreRefused) {
  const ToyImages images(40);
  const auto method = trained("ae", images, {});
  const StoredModel stored = method->save();
  EXPECT_CONTAINS(user_error_of([&] {
                    torchscript_of({"ae", stored, {0, 1, 2}});
                  }),
                  "use --model safetensors");
  EXPECT_CONTAINS(user_error_of([&] {
                    const StoredModel shallow{{}, nlohmann::json::object()};
                    torchscript_of({"pac", shallow, {0, 1}});
                  }),
                  "method pac");
}

}  // namespace
}  // namespace coterie
