// train_step [fp32|bf16...] [BACKBONE]: images a second of simclr's training step on 3 x 32 x 32,
// batch 256, beside (a) the same network's forward and backward pass alone, on views that are
// ready, (b) the same step as it is commonly written in Python (peers/simclr_peer.py), in float32.
// The three take turns; medians of three. Then: memory over 200 epochs of a small set, and the
// seconds that `coterie --help` takes.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench_data.h"
#include "coterie/core/parallel.h"
#include "coterie/methods/registry.h"
#include "coterie/nn/device.h"
#include "coterie/nn/precision.h"
#include "coterie/nn/resnet.h"

namespace {

using namespace coterie;

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kBatch = 256;
constexpr std::int64_t kSteps = 4;  // an epoch
constexpr int kRounds = 3;

/// `count` images of 3 x 32 x 32 noise.
struct Images {
  explicit Images(std::int64_t count)
      : pixels(static_cast<std::size_t>(count * 3 * kSide * kSide)),
        data{.count = count, .pixels = nullptr, .shape = {3, kSide, kSide}, .features = {}} {
    RandomStream random(0, "images");
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    data.pixels = pixels.data();
  }
  std::vector<std::uint8_t> pixels;
  TrainingData data;
};

std::unique_ptr<Method> simclr(const std::string& backbone, std::int64_t epochs) {
  auto method = create_method("simclr");
  method->set_parameter("backbone", backbone);
  method->set_parameter("epochs", std::to_string(epochs));
  method->set_parameter("batch_size", std::to_string(kBatch));
  return method;
}

/// Images a second in the second epoch of a training.
double of_training(const std::string& backbone, const std::string& precision) {
  const Images images(kBatch * kSteps);
  double rate = 0;
  FitContext context{.clusters = 10, .precision = precision};
  context.record = [&](const nlohmann::json& line) { rate = line.at("images_per_second"); };
  simclr(backbone, 2)->fit(images.data, context);
  return rate;
}

double of_network(const std::string& backbone, const std::string& precision) {
  const auto kind = backbone == "compact" ? ResNetKind::compact : ResNetKind::resnet18;
  ResNet network(ResNetShape{.kind = kind, .stem = stem_for(kSide), .channels = 3});
  apply_thread_count();
  const auto views = torch::rand({2 * kBatch, 3, kSide, kSide});
  const Precision numbers = resolve_precision(precision, torch::kCPU);
  const auto step = [&] {
    network->zero_grad();
    forward_in(numbers, views, [&](const torch::Tensor& x) { return network->forward(x); })
        .sum()
        .backward();
  };
  step();
  const double start = bench::now();
  for (int i = 0; i < kSteps; ++i) step();
  return static_cast<double>(kBatch * kSteps) / (bench::now() - start);
}

double of_python(const std::string& python, const std::string& backbone) {
  const auto result = nlohmann::json::parse(bench::output_of(
      fmt::format("{} -W ignore {}/simclr_peer.py --backbone {} --steps {} --warmup 1 --threads {}",
                  python, COTERIE_PEERS, backbone, kSteps + 2, thread_count())));
  return result.at("images_per_second");
}

/// Resident memory of this process, in MB.
double resident() {
  long all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

void print_memory() {
  const Images images(128);
  std::vector<double> after;
  FitContext context{.clusters = 3, .precision = "auto"};
  context.record = [&](const nlohmann::json&) { after.push_back(resident()); };
  auto method = simclr("compact", 200);
  method->set_parameter("batch_size", "64");
  method->fit(images.data, context);
  fmt::print("\nmemory in MB after 10, 100 and 200 epochs of 128 images: {:.0f} {:.0f} {:.0f}\n",
             after[9], after[99], after[199]);
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> precisions, backbones;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    (word == "fp32" || word == "bf16" ? precisions : backbones).push_back(word);
  }
  if (backbones.empty()) backbones = {"resnet18"};
  if (precisions.empty()) {
    precisions = {"fp32"};
    if (resolve_precision("auto", torch::kCPU) == Precision::bf16) precisions.push_back("bf16");
  }
  const auto python = bench::python_with("torchvision");
  if (!python) fmt::print("no peer: python3-torchvision is not installed\n");

  fmt::print("{:<10} {:<5} {:>10} {:>10} {:>8} {:>12} {:>8}\n", "", "", "training", "network",
             "ratio", "Python fp32", "ratio");
  for (const auto& backbone : backbones)
    for (const auto& precision : precisions) {
      std::vector<double> training, network, peer;
      for (int round = 0; round < kRounds; ++round) {
        training.push_back(of_training(backbone, precision));
        network.push_back(of_network(backbone, precision));
        if (python) peer.push_back(of_python(*python, backbone));
      }
      fmt::print("{:<10} {:<5} {:10.1f} {:10.1f} {:8.2f}", backbone, precision,
                 bench::median(training), bench::median(network),
                 bench::median(training) / bench::median(network));
      if (python)
        fmt::print(" {:12.1f} {:8.2f}", bench::median(peer),
                   bench::median(training) / bench::median(peer));
      fmt::print("\n");
      std::fflush(stdout);
    }
  print_memory();
  fmt::print("seconds of `coterie --help`: {:.2f}\n",
             bench::median_seconds(5, [] { bench::output_of(COTERIE_PROGRAM " --help"); }));
}
