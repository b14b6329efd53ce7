// consensus_million [SETS ROWS K]: the rotation-aligned consensus of 20 label sets of one million
// rows, K = 20: each set is one clustering with a share of the rows at random, from 5 to 40 %.
// Prints seconds, passes, how well the consensus agrees with that clustering, and the peak memory.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <string>

#include "coterie/core/random.h"
#include "coterie/metrics/scores.h"
#include "coterie/shallow/consensus.h"

int main(int count, char** words) {
  using namespace coterie;
  const auto given = [&](int at, std::int64_t otherwise) {
    return count > at ? std::stoll(words[at]) : otherwise;
  };
  const std::int64_t sets = given(1, 20), rows = given(2, 1000000), clusters = given(3, 20);
  RandomStream random(1, "consensus bench");
  const auto any = [&] {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(clusters)));
  };
  std::vector<std::int32_t> truth(static_cast<std::size_t>(rows));
  for (auto& label : truth) label = any();
  std::vector<std::vector<std::int32_t>> labels(static_cast<std::size_t>(sets), truth);
  for (std::int64_t m = 0; m < sets; ++m) {
    const auto wrong = static_cast<std::uint64_t>(5 + 35 * m / sets);
    for (auto& label : labels[m])
      if (random.below(100) < wrong) label = any();
  }
  const auto start = std::chrono::steady_clock::now();
  const RotationConsensus found = rotation_consensus(labels, clusters);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("{} sets of {} rows, K = {}: {:.1f} s, {} passes, ACC {:.4f}, peak {:.2f} GB\n", sets,
             rows, clusters, seconds.count(), found.passes(), accuracy(found.labels, truth),
             1024e-9 * static_cast<double>(usage.ru_maxrss));
}
