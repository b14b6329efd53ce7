#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/agglomerative_rounds.h"
#include "coterie/shallow/consensus.h"
#include "coterie/shallow/consensus_tuples.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {
namespace {

/// Rows that each pair of clusters shares, [L, L]; on the diagonal their sizes.
Eigen::MatrixXd shared_rows(const LabelTuples& tuples, const ShallowContext& context) {
  Eigen::MatrixXd shared = Eigen::MatrixXd::Zero(tuples.all_clusters, tuples.all_clusters);
  for (std::int64_t a = 0; a < tuples.sets(); ++a) {
    context.check_cancelled();
    for (std::int64_t b = 0; b < tuples.sets(); ++b)
      for (std::int64_t t = 0; t < tuples.tuples(); ++t)
        shared(tuples.offsets[a] + tuples.labels(a, t), tuples.offsets[b] + tuples.labels(b, t)) +=
            tuples.weights[t];
  }
  return shared;
}

/// Parts of a hypergraph whose vertices are tuples and whose hyperedges are the sets' clusters,
/// improved by moves of one vertex.
class Parts {
 public:
  Parts(const LabelTuples& tuples, std::int64_t parts, std::vector<std::int32_t> start)
      : tuples_(tuples),
        parts_(parts),
        part_(std::move(start)),
        weight_(static_cast<std::size_t>(parts)),
        members_(static_cast<std::size_t>(parts)),
        pins_(tuples.all_clusters, parts) {
    constexpr double kImbalance = 1.05;
    double total = 0, heaviest = 0;
    for (std::int64_t t = 0; t < tuples.tuples(); ++t) {
      const double weight = tuples.weights[t];
      total += weight;
      heaviest = std::max(heaviest, weight);
      weight_[part_[t]] += weight;
      ++members_[part_[t]];
      for (std::int64_t m = 0; m < tuples.sets(); ++m) ++pins_(edge(m, t), part_[t]);
    }
    limit_ = std::max(kImbalance * total / static_cast<double>(parts),
                      total / static_cast<double>(parts) + heaviest);
  }

  /// Moves out of parts that are too heavy, and into empty ones, at the least loss.
  void balance(const ShallowContext& context) {
    for (std::int32_t p = 0; p < parts_; ++p)
      while (weight_[p] > limit_ && members_[p] > 1) {
        context.check_cancelled();
        const auto lightest = static_cast<std::int32_t>(
            std::min_element(weight_.begin(), weight_.end()) - weight_.begin());
        if (!move_best(p, lightest)) break;
      }
    for (std::int32_t p = 0; p < parts_; ++p)
      if (members_[p] == 0) {
        std::int32_t fullest = 0;
        for (std::int32_t q = 1; q < parts_; ++q)
          if (members_[q] > members_[fullest]) fullest = q;
        move_best(fullest, p);
      }
  }

  /// One pass: the best allowed moves in turn, each tuple at most once, worse ones included; then
  /// back to the best state met. Returns the gain.
  std::int64_t pass() {
    const std::int64_t sets = tuples_.sets();
    std::vector<std::vector<std::int32_t>> queue(static_cast<std::size_t>(2 * sets + 1));
    const auto level = [&](std::int64_t gain) { return static_cast<std::size_t>(gain + sets); };
    std::vector<bool> moved(part_.size());
    for (std::int32_t t = 0; t < static_cast<std::int32_t>(part_.size()); ++t)
      queue[level(best_move(t).gain)].push_back(t);
    struct Step {
      std::int32_t tuple, from;
    };
    std::vector<Step> steps;
    std::int64_t gain = 0, best = 0;
    std::size_t best_steps = 0;
    constexpr std::size_t kPatience = 200;  // moves without a new best
    for (std::size_t top = queue.size(); top-- > 0 && steps.size() < best_steps + kPatience;) {
      while (!queue[top].empty() && steps.size() < best_steps + kPatience) {
        const std::int32_t t = queue[top].back();
        queue[top].pop_back();
        const Move move = best_move(t);
        if (moved[t] || move.to < 0) continue;
        // Earlier moves may have changed what this one gains.
        if (level(move.gain) < top) {
          queue[level(move.gain)].push_back(t);
          continue;
        }
        moved[t] = true;
        steps.push_back({t, part_[t]});
        gain += move.gain;
        shift(t, move.to);
        if (gain > best) {
          best = gain;
          best_steps = steps.size();
        }
      }
    }
    while (steps.size() > best_steps) {
      shift(steps.back().tuple, steps.back().from);
      steps.pop_back();
    }
    return best;
  }

  /// Sum over the hyperedges of the parts they touch less 1.
  std::int64_t cut() const {
    std::int64_t total = 0;
    for (std::int64_t e = 0; e < pins_.rows(); ++e) {
      total -= 1;
      for (std::int64_t p = 0; p < parts_; ++p) total += pins_(e, p) > 0;
    }
    return total;
  }
  double heaviest() const { return *std::max_element(weight_.begin(), weight_.end()); }
  double limit() const { return limit_; }
  const std::vector<std::int32_t>& parts() const { return part_; }

 private:
  struct Move {
    std::int32_t to = -1;
    std::int64_t gain = 0;
  };

  std::int64_t edge(std::int64_t set, std::int64_t t) const {
    return tuples_.offsets[set] + tuples_.labels(set, t);
  }

  std::int64_t gain_of(std::int64_t t, std::int32_t to) const {
    std::int64_t gain = 0;
    for (std::int64_t m = 0; m < tuples_.sets(); ++m) {
      const std::int64_t e = edge(m, t);
      gain += (pins_(e, part_[t]) == 1) - (pins_(e, to) == 0);
    }
    return gain;
  }

  /// The allowed move of this tuple that gains most; of equals, to the lightest part.
  Move best_move(std::int32_t t) const {
    Move best;
    if (members_[part_[t]] == 1) return best;
    for (std::int32_t p = 0; p < parts_; ++p) {
      if (p == part_[t] || weight_[p] + tuples_.weights[t] > limit_) continue;
      const std::int64_t gain = gain_of(t, p);
      if (best.to < 0 || gain > best.gain || (gain == best.gain && weight_[p] < weight_[best.to]))
        best = {p, gain};
    }
    return best;
  }

  bool move_best(std::int32_t from, std::int32_t to) {
    std::int32_t chosen = -1;
    std::int64_t highest = 0;
    for (std::int32_t t = 0; t < static_cast<std::int32_t>(part_.size()); ++t) {
      if (part_[t] != from || weight_[to] + tuples_.weights[t] > std::max(limit_, weight_[from]))
        continue;
      const std::int64_t gain = gain_of(t, to);
      if (chosen < 0 || gain > highest) {
        chosen = t;
        highest = gain;
      }
    }
    if (chosen >= 0) shift(chosen, to);
    return chosen >= 0;
  }

  void shift(std::int32_t t, std::int32_t to) {
    const std::int32_t from = part_[t];
    for (std::int64_t m = 0; m < tuples_.sets(); ++m) {
      --pins_(edge(m, t), from);
      ++pins_(edge(m, t), to);
    }
    weight_[from] -= tuples_.weights[t];
    weight_[to] += tuples_.weights[t];
    --members_[from];
    ++members_[to];
    part_[t] = to;
  }

  const LabelTuples& tuples_;
  std::int64_t parts_;
  std::vector<std::int32_t> part_;  // by tuple
  std::vector<double> weight_;      // by part
  std::vector<std::int64_t> members_;
  Matrix<std::int32_t> pins_;  // tuples of each hyperedge in each part
  double limit_ = 0;
};

}  // namespace

std::vector<std::int32_t> coassociation_consensus(LabelSets sets, std::int64_t clusters,
                                                  const ShallowContext& context) {
  const LabelTuples tuples(sets, clusters);
  PairDistances distances(tuples.tuples(), "use the methods rotation, cspa or mcla, or fewer sets");
  const auto share = 1.0f / static_cast<float>(tuples.sets());
  parallel_for(tuples.tuples(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      if (t % 64 == 0) context.check_cancelled();
      float* row = distances.row(t);
      std::fill_n(row, t, 0.0f);
      for (std::int64_t m = 0; m < tuples.sets(); ++m) {
        const std::int32_t* labels = tuples.labels.row(m);
        for (std::int64_t s = 0; s < t; ++s) row[s] += labels[s] != labels[t] ? 1.0f : 0.0f;
      }
      for (std::int64_t s = 0; s < t; ++s) row[s] *= share;
    }
  });
  const auto merges =
      merges_of(link_pairs(distances, tuples.weights, false, context), tuples.tuples());
  return tuples.to_rows(cut_dendrogram(merges, clusters));
}

std::vector<std::int32_t> cspa_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context) {
  const LabelTuples tuples(sets, clusters);
  const Eigen::MatrixXd shared = shared_rows(tuples, context);
  // A row's degree, times M: the sizes of its clusters. B = degree^(-1/2) Z, and B'B is L x L.
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(shared.rows(), shared.cols());
  for (std::int64_t t = 0; t < tuples.tuples(); ++t) {
    double degree = 0;
    const auto column = [&](std::int64_t m) { return tuples.offsets[m] + tuples.labels(m, t); };
    for (std::int64_t m = 0; m < tuples.sets(); ++m) degree += shared(column(m), column(m));
    for (std::int64_t a = 0; a < tuples.sets(); ++a)
      for (std::int64_t b = 0; b < tuples.sets(); ++b)
        gram(column(a), column(b)) += tuples.weights[t] / degree;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(gram);
  const std::int64_t kept = std::min(clusters, tuples.all_clusters);
  // Left singular vectors; the eigenvalues come in ascending order.
  Eigen::MatrixXd basis = eigen.eigenvectors().rightCols(kept);
  for (std::int64_t k = 0; k < kept; ++k) {
    const double value = eigen.eigenvalues()[tuples.all_clusters - kept + k];
    basis.col(k) *= value > 1e-12 ? 1 / std::sqrt(value) : 0.0;
  }
  Matrix<float> of_tuple(tuples.tuples(), kept);
  for (std::int64_t t = 0; t < tuples.tuples(); ++t) {
    Eigen::RowVectorXd row = Eigen::RowVectorXd::Zero(kept);
    for (std::int64_t m = 0; m < tuples.sets(); ++m)
      row += basis.row(tuples.offsets[m] + tuples.labels(m, t));
    row.normalize();
    for (std::int64_t k = 0; k < kept; ++k) of_tuple(t, k) = static_cast<float>(row[k]);
  }
  Matrix<float> rows(static_cast<std::int64_t>(tuples.tuple_of_row.size()), kept);
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    std::copy_n(of_tuple.row(tuples.tuple_of_row[i]), kept, rows.row(i));
  return KMeans().fit(rows, clusters, context).labels;
}

std::vector<std::int32_t> hgpa_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context) {
  const LabelTuples tuples(sets, clusters);
  constexpr std::int64_t kRandomStarts = 8;
  std::vector<std::int32_t> best;
  std::int64_t least = 0;
  bool best_fits = false;
  for (std::int64_t s = 0; s < tuples.sets() + kRandomStarts; ++s) {
    std::vector<std::int32_t> start(static_cast<std::size_t>(tuples.tuples()));
    RandomStream random(context.seed, "hgpa", static_cast<std::uint64_t>(s));
    for (std::int64_t t = 0; t < tuples.tuples(); ++t) {
      const auto label = s < tuples.sets() ? static_cast<std::uint64_t>(tuples.labels(s, t))
                                           : random.below(static_cast<std::uint64_t>(clusters));
      start[t] = static_cast<std::int32_t>(label % static_cast<std::uint64_t>(clusters));
    }
    Parts parts(tuples, clusters, std::move(start));
    parts.balance(context);
    do {
      context.check_cancelled();
    } while (parts.pass() > 0);
    const bool fits = parts.heaviest() <= parts.limit();
    if (best.empty() || fits > best_fits || (fits == best_fits && parts.cut() < least)) {
      best = parts.parts();
      least = parts.cut();
      best_fits = fits;
    }
  }
  return tuples.to_rows(best);
}

std::vector<std::int32_t> mcla_consensus(LabelSets sets, std::int64_t clusters,
                                         const ShallowContext& context) {
  const LabelTuples tuples(sets, clusters);
  if (clusters > tuples.all_clusters)
    throw UserError("clusters = {} is out of range: the label sets have {} clusters in all",
                    clusters, tuples.all_clusters);
  const Eigen::MatrixXd shared = shared_rows(tuples, context);
  PairDistances distances(tuples.all_clusters, "use the method rotation, or fewer sets");
  for (std::int64_t a = 1; a < tuples.all_clusters; ++a)
    for (std::int64_t b = 0; b < a; ++b)
      distances(a, b) =
          static_cast<float>(1 - shared(a, b) / (shared(a, a) + shared(b, b) - shared(a, b)));
  std::vector<double> weights(static_cast<std::size_t>(tuples.all_clusters), 1.0);
  const auto merges =
      merges_of(link_pairs(distances, std::move(weights), false, context), tuples.all_clusters);
  const auto meta = cut_dendrogram(merges, clusters);
  std::vector<double> meta_size(static_cast<std::size_t>(clusters));
  for (const std::int32_t c : meta) meta_size[c] += 1;
  std::vector<std::int32_t> labels(static_cast<std::size_t>(tuples.tuples()));
  for (std::int64_t t = 0; t < tuples.tuples(); ++t) {
    std::vector<double> held(meta_size.size());
    for (std::int64_t m = 0; m < tuples.sets(); ++m) {
      const std::int32_t c = meta[tuples.offsets[m] + tuples.labels(m, t)];
      held[c] += 1 / meta_size[c];
    }
    labels[t] =
        static_cast<std::int32_t>(std::max_element(held.begin(), held.end()) - held.begin());
  }
  return tuples.to_rows(labels);
}

}  // namespace coterie
