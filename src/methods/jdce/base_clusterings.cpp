#include "coterie/methods/jdce/base_clusterings.h"

#include <algorithm>
#include <numeric>

#include "coterie/metrics/scores.h"

namespace coterie {

std::vector<double> mean_nmi_to_others(LabelSets sets) {
  std::vector<double> sums(sets.size());
  for (std::size_t i = 0; i < sets.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double nmi = normalized_mutual_information(sets[i], sets[j]);
      sums[i] += nmi;
      sums[j] += nmi;
    }
  for (double& sum : sums) sum /= std::max<double>(1, static_cast<double>(sets.size()) - 1);
  return sums;
}

void keep_bases(BaseClusterings& candidates, std::size_t members, KeptBases kept) {
  if (candidates.labels.size() <= members) return;
  const std::vector<double> nmi = mean_nmi_to_others(candidates.labels);
  std::vector<std::size_t> order(nmi.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return kept == KeptBases::diverse ? nmi[a] < nmi[b] : nmi[a] > nmi[b];
  });
  order.resize(members);
  std::sort(order.begin(), order.end());
  BaseClusterings bases;
  for (const std::size_t i : order) {
    bases.labels.push_back(std::move(candidates.labels[i]));
    if (!candidates.probabilities.empty())
      bases.probabilities.push_back(std::move(candidates.probabilities[i]));
  }
  candidates = std::move(bases);
}

}  // namespace coterie
