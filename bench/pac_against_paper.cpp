// pac_against_paper PENDIGITS.csv: PAC on Pendigits (10,992 x 16, K = 10), one start to
// convergence: coterie, and the paper's algorithm 1 as a numpy program over all pairs of rows, with
// its two loops as printed, and with one product in place of the inner loop.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench_data.h"
#include "coterie/data/csv.h"
#include "coterie/shallow/pac.h"

int main(int count, char** words) {
  using namespace coterie;
  using namespace coterie::bench;
  if (count != 2) {
    fmt::print(stderr, "usage: pac_against_paper PENDIGITS.csv\n");
    return 2;
  }
  const CsvFeatures data = read_csv_features(words[1], "label", CancelToken());
  Pac pac({.restarts = 1});
  std::uint64_t seed = 0;
  const double ours = median_seconds(9, [&] { pac.fit(data.rows.values, 10, {.seed = seed++}); });
  const PacRun& run = pac.restarts()[0];
  fmt::print("coterie  {:9.4f} s (median of nine starts), {} sweeps, objective {:.5g}\n", ours,
             run.sweeps, run.objective);
  const auto python = python_with("numpy");
  if (!python) {
    fmt::print("no peer: python3-numpy is not installed\n");
    return 0;
  }
  const ScratchFolder folder;
  write_npy(folder / "rows.npy", data.rows.values);
  for (const char* form : {"printed", "product"}) {
    const auto peer = nlohmann::json::parse(
        output_of(fmt::format("{} {}/pac_numpy.py {} 10 {}", *python, COTERIE_PEERS,
                              (folder / "rows.npy").native(), form)));
    const double theirs = peer.at("seconds").get<double>();
    fmt::print("{:<8} {:9.4f} s, {} sweeps, objective {:.5g}, {:.0f} times ours\n", form, theirs,
               peer.at("sweeps").get<int>(), peer.at("objective").get<double>(), theirs / ours);
  }
}
