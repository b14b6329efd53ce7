// k-means on the pixels of Fashion-MNIST (70,000 x 784, K = 10), all sides from the same centres
// and for the same number of iterations: coterie, scikit-learn's KMeans and FAISS's Clustering.
// Prints seconds (median of five), the objective and the ratio to ours.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench_data.h"
#include "coterie/shallow/kmeans.h"
#include "fashion.h"

int main() {
  using namespace coterie;
  using namespace coterie::bench;
  constexpr int kIterations = 25;
  if (!fashion()) {
    fmt::print(stderr, "needs the Debian package dataset-fashion-mnist\n");
    return 2;
  }
  const Matrix<float>& rows = fashion()->rows;
  Matrix<double> centres(10, rows.cols());
  Matrix<float> start(10, rows.cols());
  for (std::int64_t k = 0; k < 10; ++k)
    for (std::int64_t d = 0; d < rows.cols(); ++d) centres(k, d) = start(k, d) = rows(7000 * k, d);

  KMeans kmeans({.max_iterations = kIterations, .tolerance = 0});
  const double ours = median_seconds(5, [&] { kmeans.fit_from(rows, centres); });
  const double inertia = kmeans.restarts()[0].inertia;
  fmt::print("{:<14} {:>8} {:>14} {:>12}\n", "", "seconds", "objective", "peer / ours");
  fmt::print("{:<14} {:8.3f} {:14.1f}\n", "coterie", ours, inertia);

  const auto python = python_with("sklearn");
  if (!python) {
    fmt::print("no peers: python3-sklearn is not installed\n");
    return 0;
  }
  const ScratchFolder folder;
  write_npy(folder / "rows.npy", rows);
  write_npy(folder / "start.npy", start);
  const auto peers = nlohmann::json::parse(output_of(
      fmt::format("{} -W ignore {}/kmeans_peers.py {} {} {}", *python, COTERIE_PEERS,
                  (folder / "rows.npy").native(), (folder / "start.npy").native(), kIterations)));
  for (const auto& [name, peer] : peers.items()) {
    if (peer.is_null()) {
      fmt::print("{:<14} is not installed (python3-{})\n", name, name);
      continue;
    }
    fmt::print("{:<14} {:8.3f} {:14.1f} {:12.2f}\n", name, peer.at("seconds").get<double>(),
               peer.at("inertia").get<double>(), peer.at("seconds").get<double>() / ours);
  }
}
