#include "coterie/shallow/pam.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/agglomerative_rounds.h"
#include "coterie/shallow/distances.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

/// Distance from the squared Euclidean one, of unit vectors where it is cosine.
double distance_of(double square, PamDistance distance) {
  if (distance == PamDistance::euclidean) return std::sqrt(square);
  return distance == PamDistance::cosine ? square / 2 : square;
}

/// Medoids among the items of a table of distances.
class MedoidSearch {
 public:
  MedoidSearch(const PairDistances& distances, std::int64_t clusters)
      : distances_(distances),
        items_(distances.items()),
        clusters_(clusters),
        near_(static_cast<std::size_t>(items_)) {}

  /// BUILD. With many items and medoids, candidates and the items that judge them are a sample (LAB
  /// of Schubert and Rousseeuw 2021): the swaps make good what that loses.
  void build(RandomStream& random, const ShallowContext& context) {
    constexpr double kMostWork = 4e9;
    const double work =
        static_cast<double>(items_) * static_cast<double>(items_) * static_cast<double>(clusters_);
    std::vector<std::int32_t> all(static_cast<std::size_t>(items_));
    std::iota(all.begin(), all.end(), 0);
    while (static_cast<std::int64_t>(medoids_.size()) < clusters_) {
      context.check_cancelled();
      std::span<const std::int32_t> sample = all;
      if (work > kMostWork) {
        random.shuffle(std::span(all));
        const auto size = 10 + std::ceil(std::sqrt(static_cast<double>(items_)));
        sample = sample.first(static_cast<std::size_t>(size));
      }
      add_medoid(best_addition(sample));
    }
    for (std::int32_t j = 0; j < items_; ++j) find_near(j);
  }

  /// Swaps until none is left that saves, or `passes` passes are over.
  void improve(int passes, PamSearch& record, const ShallowContext& context) {
    const std::int64_t block = std::clamp<std::int64_t>(items_ / 32, 1, 128);
    std::vector<Swap> swaps(static_cast<std::size_t>(block));
    std::int64_t without = 0;  // items since the last swap
    while (record.passes < passes && without < items_) {
      ++record.passes;
      for (std::int64_t first = 0; first < items_ && without < items_; first += block) {
        context.check_cancelled();
        const std::int64_t count = std::min(block, items_ - first);
        collect_losses();
        parallel_for(count, 1 + 200000 / items_, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t c = begin; c < end; ++c)
            swaps[c] = best_swap(static_cast<std::int32_t>(first + c));
        });
        const auto best =
            std::max_element(swaps.begin(), swaps.begin() + count,
                             [](const Swap& a, const Swap& b) { return a.saving < b.saving; });
        without += count;
        if (best->saving <= 1e-9 * deviation()) continue;
        exchange(best->medoid, static_cast<std::int32_t>(first + (best - swaps.begin())));
        ++record.swaps;
        without = 0;
      }
    }
    record.converged = without >= items_;
  }

  double deviation() const {
    double sum = 0;
    for (const Near& near : near_) sum += near.distance;
    return sum;
  }
  const std::vector<std::int32_t>& medoids() const { return medoids_; }

 private:
  struct Near {
    std::int32_t medoid = -1;  // index in medoids_
    std::int32_t second = -1;
    float distance = std::numeric_limits<float>::infinity();
    float second_distance = std::numeric_limits<float>::infinity();
  };
  struct Swap {
    double saving = 0;
    std::int32_t medoid = -1;
  };

  float between(std::int32_t a, std::int32_t b) const { return a == b ? 0.0f : distances_(a, b); }

  /// What an item at `distance` gains from a new medoid. The first medoid has the smallest sum.
  static float gain(float near, float distance, bool first) {
    return first ? -distance : std::max(0.0f, near - distance);
  }

  /// What each item lowers the sum by as the next medoid: the table is read once, row by row.
  std::vector<double> gains_of_all() const {
    constexpr std::int64_t kShares = 16;  // fixed, so that sums do not depend on the threads
    const bool first = medoids_.empty();
    std::vector<float> near(near_.size());
    for (std::size_t j = 0; j < near.size(); ++j) near[j] = near_[j].distance;
    std::vector<std::vector<double>> gains(kShares);
    parallel_for(kShares, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t share = begin; share < end; ++share) {
        gains[share].assign(near.size(), 0.0);
        double* part = gains[share].data();
        for (std::int64_t i = share; i < items_; i += kShares) {
          const float* row = distances_.row(i);
          double own = gain(near[i], 0, first);
          for (std::int64_t j = 0; j < i; ++j) own += gain(near[j], row[j], first);
          for (std::int64_t j = 0; j < i; ++j) part[j] += gain(near[i], row[j], first);
          part[i] += own;
        }
      }
    });
    for (std::int64_t share = 1; share < kShares; ++share)
      for (std::size_t j = 0; j < near.size(); ++j) gains[0][j] += gains[share][j];
    return gains[0];
  }

  /// The same where candidates and the items that judge them are a sample.
  std::vector<double> gains_of(std::span<const std::int32_t> sample) const {
    std::vector<double> gains(sample.size());
    for (std::size_t c = 0; c < sample.size(); ++c)
      for (const std::int32_t j : sample)
        gains[c] += gain(near_[j].distance, between(sample[c], j), medoids_.empty());
    return gains;
  }

  /// The item of `sample` that lowers the sum over the sample most; the item farthest from the
  /// medoids where none does.
  std::int32_t best_addition(std::span<const std::int32_t> sample) const {
    const std::vector<double> gains =
        std::cmp_equal(sample.size(), items_) ? gains_of_all() : gains_of(sample);
    const auto best = std::max_element(gains.begin(), gains.end());
    if (medoids_.empty() || *best > 0) return sample[best - gains.begin()];
    std::int32_t farthest = -1;
    for (std::int32_t j = 0; j < items_; ++j)
      if (std::find(medoids_.begin(), medoids_.end(), j) == medoids_.end() &&
          (farthest < 0 || near_[j].distance > near_[farthest].distance))
        farthest = j;
    return farthest;
  }

  void add_medoid(std::int32_t item) {
    medoids_.push_back(item);
    for (std::int32_t j = 0; j < items_; ++j)
      near_[j].distance = std::min(near_[j].distance, between(item, j));
  }

  void find_near(std::int32_t j) {
    Near near;
    for (std::int32_t m = 0; m < static_cast<std::int32_t>(clusters_); ++m) {
      const float distance = between(medoids_[m], j);
      if (near.medoid < 0 || distance < near.distance) {
        near = {m, near.medoid, distance, near.distance};
      } else if (near.second < 0 || distance < near.second_distance) {
        near.second = m;
        near.second_distance = distance;
      }
    }
    near_[j] = near;
  }

  /// What taking each medoid away would cost.
  void collect_losses() {
    losses_.assign(static_cast<std::size_t>(clusters_), 0.0);
    for (const Near& near : near_)
      losses_[near.medoid] += static_cast<double>(near.second_distance) - near.distance;
  }

  /// The best medoid to exchange for this item.
  Swap best_swap(std::int32_t item) const {
    if (std::find(medoids_.begin(), medoids_.end(), item) != medoids_.end()) return {};
    std::vector<double> savings(losses_.size());
    for (std::size_t m = 0; m < savings.size(); ++m) savings[m] = -losses_[m];
    double shared = 0;
    for (std::int32_t j = 0; j < items_; ++j) {
      const float distance = between(item, j);
      const Near& near = near_[j];
      if (distance >= near.second_distance) continue;
      if (distance < near.distance) {
        shared += static_cast<double>(near.distance) - distance;
        savings[near.medoid] += static_cast<double>(near.second_distance) - near.distance;
      } else {
        savings[near.medoid] += static_cast<double>(near.second_distance) - distance;
      }
    }
    const auto best = std::max_element(savings.begin(), savings.end());
    return {*best + shared, static_cast<std::int32_t>(best - savings.begin())};
  }

  void exchange(std::int32_t medoid, std::int32_t item) {
    medoids_[medoid] = item;
    for (std::int32_t j = 0; j < items_; ++j) {
      Near& near = near_[j];
      const float distance = between(item, j);
      if (near.medoid == medoid || near.second == medoid) {
        find_near(j);
      } else if (distance < near.distance) {
        near = {medoid, near.medoid, distance, near.distance};
      } else if (distance < near.second_distance) {
        near.second = medoid;
        near.second_distance = distance;
      }
    }
  }

  const PairDistances& distances_;
  std::int64_t items_;
  std::int64_t clusters_;
  std::vector<std::int32_t> medoids_;
  std::vector<Near> near_;  // by item
  std::vector<double> losses_;
};

/// The medoids among the rows `rows`, as positions in the features.
std::vector<std::int64_t> find_medoids(const PreparedRows& prepared,
                                       std::span<const std::int64_t> rows, std::int64_t clusters,
                                       const PamParams& params, PamSearch& record,
                                       RandomStream& random, const ShallowContext& context) {
  record.rows = static_cast<std::int64_t>(rows.size());
  PairDistances distances(record.rows, "lower max_rows, so that samples are searched");
  {
    Matrix<float> points(record.rows, prepared.cols());
    std::vector<std::int64_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    for (const std::int64_t i : order) prepared.load(rows[i], points.row(i));
    euclidean_distances(points.view(), order, distances, context);
  }
  if (params.distance != PamDistance::euclidean)
    for (std::int64_t i = 1; i < record.rows; ++i)
      for (std::int64_t j = 0; j < i; ++j) {
        const double root = distances(i, j);
        distances(i, j) = static_cast<float>(distance_of(root * root, params.distance));
      }
  MedoidSearch search(distances, clusters);
  search.build(random, context);
  record.start_deviation = search.deviation();
  search.improve(params.max_passes, record, context);
  record.deviation = search.deviation();
  std::vector<std::int64_t> medoids;
  for (const std::int32_t medoid : search.medoids()) medoids.push_back(rows[medoid]);
  std::sort(medoids.begin(), medoids.end());
  return medoids;
}

Matrix<double> load_rows(const PreparedRows& prepared, std::span<const std::int64_t> rows) {
  Matrix<double> loaded(static_cast<std::int64_t>(rows.size()), prepared.cols());
  for (std::size_t k = 0; k < rows.size(); ++k)
    prepared.load(rows[k], loaded.row(static_cast<std::int64_t>(k)));
  return loaded;
}

/// Sum of the distances of all rows to their nearest medoids.
double deviation_of_all(const PreparedRows& prepared, const Matrix<double>& medoids,
                        PamDistance distance) {
  std::vector<double> nearest(static_cast<std::size_t>(prepared.rows()));
  parallel_for(prepared.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> x(static_cast<std::size_t>(prepared.cols()));
    for (std::int64_t i = begin; i < end; ++i) {
      prepared.load(i, x.data());
      double least = std::numeric_limits<double>::infinity();
      for (std::int64_t k = 0; k < medoids.rows(); ++k)
        least = std::min(least, squared_distance(x.data(), medoids.row(k), medoids.cols()));
      nearest[i] = distance_of(least, distance);
    }
  });
  return std::accumulate(nearest.begin(), nearest.end(), 0.0);
}

/// Different rows drawn at random, and those of `kept`, in ascending order.
std::vector<std::int64_t> draw_sample(std::int64_t rows, std::int64_t count,
                                      const std::vector<std::int64_t>& kept, RandomStream& random) {
  std::vector<std::int64_t> drawn(static_cast<std::size_t>(rows));
  std::iota(drawn.begin(), drawn.end(), std::int64_t{0});
  for (std::int64_t i = 0; i < count; ++i)
    std::swap(
        drawn[i],
        drawn[i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(rows - i)))]);
  drawn.resize(static_cast<std::size_t>(count));
  drawn.insert(drawn.end(), kept.begin(), kept.end());
  std::sort(drawn.begin(), drawn.end());
  drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  return drawn;
}

PreparedRows prepare(ConstFeatures features, PamDistance distance) {
  return {features, std::vector<double>(static_cast<std::size_t>(features.cols)),
          distance == PamDistance::cosine};
}

}  // namespace

const Fields<PamParams>& PamParams::fields() {
  static const Fields<PamParams> fields =
      Fields<PamParams>()
          .choice("distance", &PamParams::distance,
                  {{"euclidean", PamDistance::euclidean},
                   {"sqeuclidean", PamDistance::sqeuclidean},
                   {"cosine", PamDistance::cosine}},
                  "distance between rows")
          .number("max_passes", &PamParams::max_passes, between(1, 1e6),
                  "passes over all rows in search of swaps, at most")
          .number("max_rows", &PamParams::max_rows, between(100, 1e6),
                  "with more rows, medoids are sought in samples (CLARA)")
          .number("samples", &PamParams::samples, between(1, 10000),
                  "samples; the medoids with the lowest total deviation are kept")
          .number("sample_rows", &PamParams::sample_rows, between(100, 1e6),
                  "rows in a sample; at least 40 + 2 K are taken");
  return fields;
}

Pam::Pam(PamParams params) : params_(params) { params_.validate(); }

Assignment Pam::fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context) {
  check_clustering_input(features, clusters);
  const PreparedRows prepared = prepare(features, params_.distance);
  const bool sampled = features.rows > params_.max_rows;
  const std::int64_t size = std::min<std::int64_t>(
      features.rows,
      sampled ? std::max<std::int64_t>(params_.sample_rows, 40 + 2 * clusters) : features.rows);
  searches_.assign(static_cast<std::size_t>(sampled ? params_.samples : 1), {});
  medoid_rows_.clear();
  for (std::size_t s = 0; s < searches_.size(); ++s) {
    RandomStream random(context.seed, "pam", s);
    const auto rows = draw_sample(features.rows, size, medoid_rows_, random);
    PamSearch& record = searches_[s];
    auto found = find_medoids(prepared, rows, clusters, params_, record, random, context);
    Matrix<double> medoids = load_rows(prepared, found);
    record.total_deviation = deviation_of_all(prepared, medoids, params_.distance);
    if (s == 0 || record.total_deviation < searches_[chosen_].total_deviation) {
      chosen_ = static_cast<int>(s);
      medoid_rows_ = std::move(found);
      medoids_ = std::move(medoids);
    }
  }
  return predict(features);
}

Assignment Pam::predict(ConstFeatures features) const {
  if (medoids_.empty()) throw UserError("this PAM model is not trained: call fit or load first");
  check_width(medoids_.cols(), features.cols);
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  closeness_to_centres(prepare(features, params_.distance), medoids_, result.probabilities);
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

TensorMap Pam::save() const { return {{"medoids", make_tensor(medoids_)}}; }

void Pam::load(const TensorMap& tensors) {
  medoids_ = StoredTensors(tensors, "PAM").matrix("medoids");
  medoid_rows_.clear();
  searches_.clear();
}

}  // namespace coterie
