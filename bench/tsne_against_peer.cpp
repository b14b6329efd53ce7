// t-SNE of Fashion-MNIST's first ROWS images, their pixels reduced to 128 principal components:
// coterie and scikit-learn's TSNE (Barnes-Hut), both with perplexity 30 and 1,000 iterations from
// two principal components on all cores.
//
//     tsne_against_peer [ROWS] [alone]      default 10000; `alone`: without the peer
//
// Prints seconds, the seconds of all processors together (which a busy machine changes little), and
// the KL divergence of both layouts by one exact O(ROWS^2) sum in double from the same affinities.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bench_data.h"
#include "coterie/core/parallel.h"
#include "coterie/data/npy.h"
#include "coterie/shallow/principal_components.h"
#include "coterie/shallow/tsne.h"
#include "coterie/shallow/tsne_affinities.h"
#include "fashion.h"

namespace {

using namespace coterie;

double kernel(ConstFeatures y, std::int64_t i, std::int64_t j) {
  const double dx = static_cast<double>(y(i, 0)) - y(j, 0);
  const double dy = static_cast<double>(y(i, 1)) - y(j, 1);
  return 1 / (1 + dx * dx + dy * dy);
}

double exact_divergence(const Affinities& affinities, ConstFeatures y) {
  std::vector<double> totals(static_cast<std::size_t>(y.rows)), sums(totals.size());
  parallel_for(y.rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      for (std::int64_t j = 0; j < y.rows; ++j)
        if (j != i) totals[i] += kernel(y, i, j);
      for (std::int64_t e = affinities.offsets[i]; e < affinities.offsets[i + 1]; ++e)
        if (const double p = affinities.values[e]; p > 0)
          sums[i] += p * std::log(p / kernel(y, i, affinities.columns[e]));
    }
  });
  double total = 0, sum = 0;
  for (const double part : totals) total += part;
  for (const double part : sums) sum += part;
  return sum + std::log(total);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace coterie::bench;
  constexpr std::int64_t kColumns = 128;
  const TsneParams params;
  const std::int64_t count = argc > 1 ? std::atoll(argv[1]) : 10'000;
  const bool alone = argc > 2 && std::string_view(argv[2]) == "alone";
  if (!fashion()) {
    fmt::print(stderr, "needs the Debian package dataset-fashion-mnist\n");
    return 2;
  }
  const Matrix<float>& pixels = fashion()->rows;
  if (count <= 3 * params.perplexity || count > pixels.rows()) {
    fmt::print(stderr, "ROWS must be {} to {}\n", 3 * params.perplexity + 1, pixels.rows());
    return 2;
  }
  PrincipalComponents components;
  components.fit(pixels.view().slice(0, count), kColumns);
  const Matrix<float> rows = components.apply(pixels.view().slice(0, count));

  const double start = now();
  const std::clock_t processors = std::clock();
  Tsne tsne(params);
  const Matrix<float> layout = tsne.fit(rows);
  const double seconds = now() - start;
  const double spent = static_cast<double>(std::clock() - processors) / CLOCKS_PER_SEC;
  const Affinities affinities = affinities_of_rows(rows, params.perplexity);
  fmt::print("{} x {}\n{:<14} {:>9} {:>12} {:>9} {:>9} {:>18}\n", count, kColumns, "", "seconds",
             "processors'", "exact KL", "its own", "peer / ours");
  fmt::print("{:<14} {:9.2f} {:12.2f} {:9.4f} {:9.4f}\n", "coterie", seconds, spent,
             exact_divergence(affinities, layout), tsne.steps().back().divergence);
  if (alone) return 0;

  const auto python = python_with("sklearn");
  if (!python) {
    fmt::print("no peer: python3-sklearn is not installed\n");
    return 0;
  }
  const ScratchFolder folder;
  write_npy(folder / "rows.npy", rows);
  const auto peer = nlohmann::json::parse(
      output_of(fmt::format("{} -W ignore {}/tsne_peer.py {} {} {} {}", *python, COTERIE_PEERS,
                            (folder / "rows.npy").native(), params.perplexity, params.iterations,
                            (folder / "layout.npy").native())));
  const double peer_seconds = peer.at("seconds"), peer_spent = peer.at("processor_seconds");
  const FeatureRows theirs = NpyFile(folder / "layout.npy").features();
  fmt::print("{:<14} {:9.2f} {:12.2f} {:9.4f} {:9.4f} {:8.2f} {:8.2f}\n", "scikit-learn",
             peer_seconds, peer_spent, exact_divergence(affinities, theirs.values),
             peer.at("divergence").get<double>(), peer_seconds / seconds, peer_spent / spent);
}
