// autoencoder_step: images a second of ae's training step on 28 x 28, batch 256, float32, without
// and with its distortions, beside a plain PyTorch program of the same network
// (peers/autoencoder_peer.py, without). They take turns; medians of five.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench_data.h"
#include "coterie/core/parallel.h"
#include "coterie/methods/registry.h"

namespace {

using namespace coterie;

/// Images a second in the second epoch of a training.
double of_training(const TrainingData& data, bool distorted) {
  auto method = create_method("ae");
  method->set_parameter("epochs", "2");
  if (!distorted)
    for (const char* name : {"rotate", "shift", "scale", "shear"}) method->set_parameter(name, "0");
  double rate = 0;
  FitContext context{.clusters = 10};
  context.record = [&](const nlohmann::json& line) { rate = line.at("images_per_second"); };
  method->fit(data, context);
  return rate;
}

double of_python(const std::string& python) {
  return nlohmann::json::parse(
             bench::output_of(fmt::format("{} -W ignore {}/autoencoder_peer.py --threads {}",
                                          python, COTERIE_PEERS, thread_count())))
      .at("images_per_second");
}

}  // namespace

int main() {
  constexpr int kRounds = 5;
  constexpr std::int64_t kImages = 20'000;
  std::vector<std::uint8_t> pixels(kImages * 28 * 28);
  RandomStream random(0, "images");
  for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  const TrainingData data{
      .count = kImages, .pixels = pixels.data(), .shape = {1, 28, 28}, .features = {}};
  const auto python = bench::python_with("torch");
  std::vector<double> plain, distorted, peer;
  for (int round = 0; round < kRounds; ++round) {
    plain.push_back(of_training(data, false));
    distorted.push_back(of_training(data, true));
    if (python) peer.push_back(of_python(*python));
  }
  fmt::print("{:<24} {:>10} {:>8}\n", "", "images/s", "ratio");
  if (python) fmt::print("{:<24} {:10.0f}\n", "PyTorch", bench::median(peer));
  const auto line = [&](const char* name, const std::vector<double>& rates) {
    fmt::print("{:<24} {:10.0f}", name, bench::median(rates));
    if (python) fmt::print(" {:8.2f}", bench::median(rates) / bench::median(peer));
    fmt::print("\n");
  };
  line("ae, plain", plain);
  line("ae, distorted", distorted);
}
