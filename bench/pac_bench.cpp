// PAC and k-means on blobs: one restart a run, on all cores. `rows/s` counts a row once for each
// sweep (PAC) or Lloyd iteration (k-means), so that sizes can be compared.
#include <benchmark/benchmark.h>

#include "bench_data.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"

namespace coterie {
namespace {

using bench::blobs;

void pac(benchmark::State& state) {
  const Matrix<float> points = blobs(state.range(0), state.range(1), state.range(2));
  std::int64_t sweeps = 0;
  for (auto _ : state) {
    Pac model({.restarts = 1});
    benchmark::DoNotOptimize(model.fit(points, state.range(2), {.seed = 1}).labels.data());
    sweeps += model.restarts()[0].sweeps;
  }
  state.counters["sweeps"] = static_cast<double>(sweeps) / static_cast<double>(state.iterations());
  state.counters["rows/s"] =
      benchmark::Counter(static_cast<double>(sweeps * points.rows()), benchmark::Counter::kIsRate);
}

void kmeans(benchmark::State& state) {
  const Matrix<float> points = blobs(state.range(0), state.range(1), state.range(2));
  std::int64_t iterations = 0;
  for (auto _ : state) {
    KMeans model({.restarts = 1});
    benchmark::DoNotOptimize(model.fit(points, state.range(2), {.seed = 1}).labels.data());
    iterations += model.restarts()[0].iterations;
  }
  state.counters["iterations"] =
      static_cast<double>(iterations) / static_cast<double>(state.iterations());
  state.counters["rows/s"] = benchmark::Counter(static_cast<double>(iterations * points.rows()),
                                                benchmark::Counter::kIsRate);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "cols", "clusters"})
      ->Args({10'000, 16, 10})
      ->Args({10'000, 128, 10})
      ->Args({100'000, 128, 10})
      ->Args({10'000, 128, 100})
      ->Args({10'000, 512, 10})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

BENCHMARK(pac)->Apply(sizes);
BENCHMARK(kmeans)->Apply(sizes);

}  // namespace
}  // namespace coterie
