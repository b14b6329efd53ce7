#include "coterie/shallow/agglomerative_rounds.h"

#include <numeric>

#include "coterie/core/memory.h"
#include "coterie/core/parallel.h"

namespace coterie {
namespace {

using Nearest = MergeSpace::Nearest;
using Pair = MergeSpace::Pair;

/// Clusters that are each other's nearest. Where rounding leaves none, the nearest two of all.
std::vector<Pair> reciprocal_pairs(std::span<const std::int32_t> active,
                                   const std::vector<Nearest>& nearest) {
  std::vector<Pair> pairs;
  for (const std::int32_t slot : active) {
    const std::int32_t other = nearest[slot].slot;
    if (slot < other && nearest[other].slot == slot) pairs.push_back({slot, other});
  }
  if (!pairs.empty()) return pairs;
  const auto closest =
      *std::min_element(active.begin(), active.end(),
                        [&](std::int32_t a, std::int32_t b) { return nearest[a] < nearest[b]; });
  const auto [kept, gone] = std::minmax(closest, nearest[closest].slot);
  return {{kept, gone}};
}

/// Clusters whose distances are all in memory, updated by the formulas of Lance and Williams 1967.
class StoredSpace : public MergeSpace {
 public:
  StoredSpace(PairDistances& distances, std::vector<double> weights, bool complete)
      : MergeSpace(distances.items()),
        distances_(distances),
        weights_(std::move(weights)),
        complete_(complete),
        partner_(weights_.size(), -1),
        active_(weights_.size()) {
    std::iota(active_.begin(), active_.end(), 0);
  }

  void search(std::span<const std::int32_t> queries, std::vector<Nearest>& nearest,
              const ShallowContext& context) override {
    const auto count = static_cast<std::int64_t>(queries.size());
    const std::int64_t grain = 1 + 100000 / static_cast<std::int64_t>(active_.size());
    parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t q = begin; q < end; ++q) {
        if ((q & 255) == 0) context.check_cancelled();
        nearest[queries[q]] = nearest_of(queries[q]);
      }
    });
  }

  void merge(std::span<const Pair> pairs) override {
    for (const Pair& pair : pairs) partner_[pair.kept] = pair.gone;
    std::vector<bool> gone(weights_.size());
    for (const Pair& pair : pairs) gone[pair.gone] = true;
    std::erase_if(active_, [&](std::int32_t slot) { return gone[slot]; });
    const std::int64_t grain = 1 + 100000 / static_cast<std::int64_t>(active_.size());
    parallel_for(static_cast<std::int64_t>(pairs.size()), grain,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t p = begin; p < end; ++p) update(pairs[p]);
                 });
    for (const Pair& pair : pairs) {
      weights_[pair.kept] += weights_[pair.gone];
      partner_[pair.kept] = -1;
      mark_new(pair.kept);
    }
  }

 private:
  Nearest nearest_of(std::int32_t slot) const {
    Nearest best;
    for (const std::int32_t other : active_) {
      if (other == slot) continue;
      const float distance = std::as_const(distances_)(slot, other);
      if (distance > best.distance) continue;
      const Nearest candidate{other, distance, order(slot, other)};
      if (candidate < best) best = candidate;
    }
    return best;
  }

  double combine(std::int32_t a, double to_a, std::int32_t b, double to_b) const {
    if (complete_) return std::max(to_a, to_b);
    return (weights_[a] * to_a + weights_[b] * to_b) / (weights_[a] + weights_[b]);
  }

  /// Distances of a merged pair to all others. Those to another merged pair are made from their
  /// four old ones by the pair with the higher slot alone, so no two threads touch a cell.
  void update(const Pair& pair) {
    const auto [kept, gone] = pair;
    for (const std::int32_t other : active_) {
      const std::int32_t partner = partner_[other];
      if (other == kept || (partner >= 0 && other > kept)) continue;
      double merged = combine(kept, distances_(kept, other), gone, distances_(gone, other));
      if (partner >= 0)
        merged = combine(other, merged, partner,
                         combine(kept, distances_(kept, partner), gone, distances_(gone, partner)));
      distances_(kept, other) = static_cast<float>(merged);
    }
  }

  PairDistances& distances_;
  std::vector<double> weights_;
  bool complete_;
  std::vector<std::int32_t> partner_;  // of slots that are being merged
  std::vector<std::int32_t> active_;
};

}  // namespace

std::uint64_t MergeSpace::order(std::int32_t a, std::int32_t b) const {
  // The mixing of splitmix64 (Steele, Lea and Flood 2014).
  std::uint64_t mixed = (static_cast<std::uint64_t>(std::min(a, b)) << 32 |
                         static_cast<std::uint64_t>(std::max(a, b))) +
                        0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return static_cast<std::uint64_t>(std::max(born_[a], born_[b])) << 32 | mixed >> 32;
}

std::vector<Join> merge_in_rounds(MergeSpace& space, const ShallowContext& context) {
  const std::int64_t slots = space.slots();
  std::vector<std::int32_t> active(static_cast<std::size_t>(slots));
  std::iota(active.begin(), active.end(), 0);
  std::vector<std::int32_t> queries = active;
  std::vector<Nearest> nearest(active.size());
  std::vector<double> heights(active.size());
  enum class Fate : std::uint8_t { unchanged, grown, gone };
  std::vector<Fate> fate(active.size(), Fate::unchanged);
  std::vector<Join> joins;
  joins.reserve(active.size());
  if (context.progress) context.progress->begin("merging clusters", slots - 1);
  while (active.size() > 1) {
    context.check_cancelled();
    space.start_round();
    space.search(queries, nearest, context);
    const std::vector<Pair> pairs = reciprocal_pairs(active, nearest);
    for (const Pair& pair : pairs) {
      // Rounding must not put a cluster below its parts.
      heights[pair.kept] = std::max(
          {space.height(nearest[pair.kept].distance), heights[pair.kept], heights[pair.gone]});
      joins.push_back({pair.kept, pair.gone, heights[pair.kept]});
      fate[pair.kept] = Fate::grown;
      fate[pair.gone] = Fate::gone;
    }
    space.merge(pairs);
    std::erase_if(active, [&](std::int32_t slot) { return fate[slot] == Fate::gone; });
    // A merged cluster is never nearer than the nearer of its parts was: who kept its nearest need
    // not search again.
    queries.clear();
    for (const std::int32_t slot : active)
      if (fate[slot] == Fate::grown || fate[nearest[slot].slot] != Fate::unchanged)
        queries.push_back(slot);
    for (const Pair& pair : pairs) fate[pair.kept] = Fate::unchanged;
    if (context.progress) context.progress->update(static_cast<std::int64_t>(joins.size()));
  }
  if (context.progress) context.progress->end();
  return joins;
}

PairDistances::PairDistances(std::int64_t items, std::string_view remedy) : items_(items) {
  const double pairs = 0.5 * static_cast<double>(items) * static_cast<double>(items - 1);
  require_memory(pairs * sizeof(float), fmt::format("the distances of all pairs of {} rows", items),
                 remedy);
  values_ = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(pairs));
}

std::vector<Join> link_pairs(PairDistances& distances, std::vector<double> weights, bool complete,
                             const ShallowContext& context) {
  StoredSpace space(distances, std::move(weights), complete);
  return merge_in_rounds(space, context);
}

}  // namespace coterie
