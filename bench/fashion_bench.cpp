// PAC and k-means on the raw pixels of Fashion-MNIST (70,000 x 784, K = 10), one restart: the time
// of the fit alone, and how well it found the classes. Runs where the package
// dataset-fashion-mnist is installed.
#include <benchmark/benchmark.h>

#include "coterie/metrics/scores.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"
#include "fashion.h"

namespace coterie {
namespace {

using bench::fashion;

template <class Model, class Params>
void cluster_fashion(benchmark::State& state, Params params) {
  if (!fashion()) {
    state.SkipWithError("needs the Debian package dataset-fashion-mnist");
    return;
  }
  params.restarts = 1;
  Assignment found;
  for (auto _ : state) {
    Model model(params);
    found = model.fit(fashion()->rows, 10, {.seed = 0});
  }
  const Scores scores = score(found.labels, fashion()->truth, 10);
  state.counters["acc"] = scores.acc;
  state.counters["nmi"] = scores.nmi;
}

void pac(benchmark::State& state) { cluster_fashion<Pac>(state, PacParams{}); }
void kmeans(benchmark::State& state) { cluster_fashion<KMeans>(state, KMeansParams{}); }

BENCHMARK(pac)->Unit(benchmark::kSecond)->UseRealTime();
BENCHMARK(kmeans)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace
}  // namespace coterie
