#include "coterie/methods/adc/pair_selection.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <set>
#include <span>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"

namespace coterie {
namespace {

constexpr std::size_t kMostCompared = 2000;  // images of a cluster, each with each

using Key = std::pair<std::int64_t, std::int64_t>;
Key key_of(const ImagePair& pair) { return std::minmax(pair.a, pair.b); }
using KnownPairs = std::set<Key>;

/// The images of a round's part, or all of them, in ascending order.
std::vector<std::int64_t> part_of(const PairQuery& query, std::int64_t images) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(images));
  std::iota(order.begin(), order.end(), 0);
  if (query.strategy == PairStrategy::check) return order;
  RandomStream(query.seed, "adc parts").shuffle(std::span(order));
  const Share share = share_of(images, static_cast<int>(query.round % query.rounds),
                               static_cast<int>(query.rounds));
  std::vector<std::int64_t> part(order.begin() + share.begin, order.begin() + share.end);
  std::sort(part.begin(), part.end());
  return part;
}

/// `part` by cluster, in each the surest first.
std::vector<std::vector<std::int64_t>> clusters_of(const std::vector<std::int64_t>& part,
                                                   MatrixView<const float> probabilities) {
  std::vector<std::vector<std::int64_t>> clusters(static_cast<std::size_t>(probabilities.cols));
  for (const std::int64_t image : part) {
    const auto row = probabilities.row_span(image);
    clusters[std::max_element(row.begin(), row.end()) - row.begin()].push_back(image);
  }
  for (std::size_t p = 0; p < clusters.size(); ++p)
    std::stable_sort(clusters[p].begin(), clusters[p].end(), [&](std::int64_t a, std::int64_t b) {
      return probabilities(a, static_cast<std::int64_t>(p)) >
             probabilities(b, static_cast<std::int64_t>(p));
    });
  return clusters;
}

/// The surest image with each of the others, the least sure first, without pairs of before.
std::vector<ImagePair> pairs_with_surest(const std::vector<std::int64_t>& cluster,
                                         const KnownPairs& asked) {
  std::vector<ImagePair> pairs;
  for (std::size_t i = cluster.size(); i > 1; --i) {
    const ImagePair pair{cluster[0], cluster[i - 1]};
    if (!asked.contains(key_of(pair))) pairs.push_back(pair);
  }
  return pairs;
}

/// Up to `most` pairs of a cluster, the farthest apart first, without pairs of before.
std::vector<ImagePair> farthest_pairs(std::vector<std::int64_t> cluster, std::int64_t most,
                                      const PairQuery& query, MatrixView<const float> embeddings,
                                      const KnownPairs& asked) {
  if (most == 0) return {};
  if (cluster.size() > kMostCompared) {
    RandomStream(query.seed, "adc compared", static_cast<std::uint64_t>(query.round))
        .shuffle(std::span(cluster));
    cluster.resize(kMostCompared);
  }
  using Far = std::pair<double, Key>;
  std::priority_queue<Far, std::vector<Far>, std::greater<>> farthest;  // the nearest on top
  for (std::size_t i = 0; i < cluster.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const auto x = embeddings.row_span(cluster[i]);
      const auto y = embeddings.row_span(cluster[j]);
      double distance = 0;
      for (std::size_t d = 0; d < x.size(); ++d)
        distance += (double{x[d]} - y[d]) * (double{x[d]} - y[d]);
      const Far far{distance, key_of({cluster[i], cluster[j]})};
      if (static_cast<std::int64_t>(farthest.size()) == most && far <= farthest.top()) continue;
      if (asked.contains(far.second)) continue;
      farthest.push(far);
      if (static_cast<std::int64_t>(farthest.size()) > most) farthest.pop();
    }
  std::vector<ImagePair> pairs;
  for (; !farthest.empty(); farthest.pop())
    pairs.push_back({farthest.top().second.first, farthest.top().second.second});
  std::reverse(pairs.begin(), pairs.end());
  return pairs;
}

/// How many pairs farthest_pairs can find at least.
std::int64_t pairs_left(const std::vector<std::int64_t>& cluster, const KnownPairs& asked) {
  const auto compared =
      static_cast<std::int64_t>(std::min<std::size_t>(cluster.size(), kMostCompared));
  const std::set<std::int64_t> members(cluster.begin(), cluster.end());
  const auto within = std::ranges::count_if(asked, [&](const Key& pair) {
    return members.contains(pair.first) && members.contains(pair.second);
  });
  return std::max<std::int64_t>(0, compared * (compared - 1) / 2 - within);
}

std::vector<ImagePair> random_pairs(const PairQuery& query, std::int64_t images, KnownPairs asked) {
  RandomStream random(query.seed, "adc pairs", static_cast<std::uint64_t>(query.round));
  const std::int64_t there_are =
      images * (images - 1) / 2 - static_cast<std::int64_t>(asked.size());
  std::vector<ImagePair> pairs;
  while (static_cast<std::int64_t>(pairs.size()) < std::min(query.budget, there_are)) {
    const ImagePair pair{static_cast<std::int64_t>(random.below(images)),
                         static_cast<std::int64_t>(random.below(images))};
    if (pair.a != pair.b && asked.insert(key_of(pair)).second) pairs.push_back(pair);
  }
  return pairs;
}

}  // namespace

std::vector<std::int64_t> shared_budget(std::int64_t budget, const std::vector<std::int64_t>& sizes,
                                        const std::vector<std::int64_t>& room) {
  const std::int64_t all = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  std::vector<std::int64_t> shares(sizes.size());
  if (all == 0) return shares;
  std::vector<std::size_t> by_remainder(sizes.size());
  std::iota(by_remainder.begin(), by_remainder.end(), 0);
  std::stable_sort(by_remainder.begin(), by_remainder.end(), [&](std::size_t p, std::size_t q) {
    return budget * sizes[p] % all > budget * sizes[q] % all;
  });
  std::int64_t left = budget;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    shares[p] = std::min(budget * sizes[p] / all, room[p]);
    left -= shares[p];
  }
  for (bool given = true; left > 0 && given;) {
    given = false;
    for (const std::size_t p : by_remainder) {
      if (left == 0 || shares[p] == room[p]) continue;
      ++shares[p];
      --left;
      given = true;
    }
  }
  return shares;
}

std::vector<ImagePair> select_pairs(const PairQuery& query, const AssignedImages& images,
                                    const std::vector<ImagePair>& asked) {
  KnownPairs known;
  for (const ImagePair& pair : asked) known.insert(key_of(pair));
  const std::int64_t count = images.probabilities.rows;
  if (query.strategy == PairStrategy::random) return random_pairs(query, count, std::move(known));

  const auto clusters = clusters_of(part_of(query, count), images.probabilities);
  const bool farthest = query.strategy == PairStrategy::uncertain;
  std::vector<std::vector<ImagePair>> pairs;
  std::vector<std::int64_t> sizes, room;
  for (const auto& cluster : clusters) {
    // Before the budget is shared, the farthest pairs are not worth finding.
    pairs.push_back(farthest ? std::vector<ImagePair>() : pairs_with_surest(cluster, known));
    sizes.push_back(static_cast<std::int64_t>(cluster.size()));
    room.push_back(farthest ? pairs_left(cluster, known)
                            : static_cast<std::int64_t>(pairs.back().size()));
  }
  const auto shares = shared_budget(query.budget, sizes, room);
  std::vector<ImagePair> selected;
  for (std::size_t p = 0; p < clusters.size(); ++p) {
    if (farthest)
      pairs[p] = farthest_pairs(clusters[p], shares[p], query, images.embeddings, known);
    selected.insert(
        selected.end(), pairs[p].begin(),
        pairs[p].begin() + std::min(shares[p], static_cast<std::int64_t>(pairs[p].size())));
  }
  return selected;
}

double likely_together(const AssignedImages& images, const ImagePair& pair) {
  const auto p = images.probabilities.row_span(pair.a);
  const auto q = images.probabilities.row_span(pair.b);
  double sum = 0;
  for (std::size_t k = 0; k < p.size(); ++k) sum += double{p[k]} * q[k];
  return sum;
}

}  // namespace coterie
