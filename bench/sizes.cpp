// Seconds of spectral clustering and FINCH on the pixels of Fashion-MNIST (70,000 x 784), and of
// Ward's clustering on their first ten principal components (70,000 x 10), K = 10.
#include <benchmark/benchmark.h>

#include "coterie/metrics/scores.h"
#include "coterie/shallow/agglomerative.h"
#include "coterie/shallow/finch.h"
#include "coterie/shallow/spectral.h"
#include "coterie/shallow/whitening.h"
#include "fashion.h"

namespace coterie {
namespace {

template <class Model>
void cluster(benchmark::State& state, ConstFeatures rows) {
  Assignment found;
  for (auto _ : state) found = Model().fit(rows, 10, {.seed = 0});
  state.counters["acc"] = accuracy(found.labels, bench::fashion()->truth);
}

bool absent(benchmark::State& state) {
  if (!bench::fashion()) state.SkipWithError("needs the Debian package dataset-fashion-mnist");
  return !bench::fashion();
}

void spectral(benchmark::State& state) {
  if (!absent(state)) cluster<Spectral>(state, bench::fashion()->rows);
}

void finch(benchmark::State& state) {
  if (!absent(state)) cluster<Finch>(state, bench::fashion()->rows);
}

void ward(benchmark::State& state) {
  if (absent(state)) return;
  Whitening whitening;
  whitening.fit(bench::fashion()->rows);
  const Matrix<float> all = whitening.apply(bench::fashion()->rows);
  Matrix<float> ten(all.rows(), 10);
  for (std::int64_t i = 0; i < ten.rows(); ++i) std::copy_n(all.row(i), 10, ten.row(i));
  cluster<Agglomerative>(state, ten);
}

BENCHMARK(spectral)->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);
BENCHMARK(finch)->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);
BENCHMARK(ward)->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);

}  // namespace
}  // namespace coterie
