#pragma once

#include <vector>

#include "coterie/core/random.h"
#include "coterie/nn/batch_norm.h"
#include "coterie/nn/tensors.h"
#include "coterie/train/engine.h"

namespace coterie::testing {

/// `count` random grey images of 8 x 8.
struct ToyPack {
  explicit ToyPack(std::int64_t count) : pixels(static_cast<std::size_t>(count * 64)) {
    RandomStream random(1, "toy pack");
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    data = {.count = count, .pixels = pixels.data(), .shape = {1, 8, 8}, .features = {}};
  }
  std::vector<std::uint8_t> pixels;
  TrainingData data;
};

/// A little network with batch norm and dropout, so that buffers and libtorch's generator matter.
class ToyNetworkImpl : public torch::nn::Module {
 public:
  ToyNetworkImpl() {
    body_ = register_module(
        "body", torch::nn::Sequential(torch::nn::Conv2d(1, 3, 3), BatchNorm2d(3), torch::nn::ReLU(),
                                      torch::nn::Flatten(), torch::nn::Dropout(0.3),
                                      torch::nn::Linear(108, 4)));
    RandomStream stream(2, "toy network");
    initialise(*this, stream);
  }
  torch::Tensor forward(const torch::Tensor& images) { return body_->forward(images); }

 private:
  torch::nn::Sequential body_{nullptr};
};
TORCH_MODULE(ToyNetwork);

/// A stage that presses the outputs for noisy images towards 1.
inline Stage toy_stage(ToyNetwork network, std::int64_t epochs, std::string name = "press") {
  return {.name = std::move(name),
          .epochs = epochs,
          .batch_size = 8,
          .learning_rate = 0.01,
          .schedule = LearningRate::cosine,
          .trained = {network.get()},
          .step = [network](Batch& batch) mutable -> Losses {
            const auto noise = static_cast<float>(batch.random.uniform());
            const auto out = network->forward(batch.images + noise);
            const auto press = (out - 1).square().mean();
            const auto spread = out.std();
            return {press + 0.1 * spread, {{"press", press}, {"spread", spread}}};
          }};
}

/// All parameters and buffers in one row.
inline torch::Tensor state_of(const ToyNetwork& network) {
  std::vector<torch::Tensor> parts;
  for (const auto& p : network->parameters()) parts.push_back(p.detach().flatten());
  for (const auto& b : network->buffers()) parts.push_back(b.flatten().to(torch::kFloat));
  return torch::cat(parts).clone();
}

}  // namespace coterie::testing
