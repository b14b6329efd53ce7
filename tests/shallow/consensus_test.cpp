#include "coterie/shallow/consensus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/metrics/scores.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::user_error_of;
using Labels = std::vector<std::int32_t>;
using Sets = std::vector<Labels>;

constexpr ConsensusMethod kMethods[] = {ConsensusMethod::rotation, ConsensusMethod::coassociation,
                                        ConsensusMethod::cspa, ConsensusMethod::hgpa,
                                        ConsensusMethod::mcla};

/// Copies of row i's cluster i % clusters, a share `wrong` of them at random, numbers permuted.
Sets noisy_sets(std::int64_t rows, std::int64_t clusters, int sets, double wrong) {
  Sets result;
  RandomStream random(3, "noisy sets");
  for (int s = 0; s < sets; ++s) {
    Labels names(static_cast<std::size_t>(clusters));
    std::iota(names.begin(), names.end(), 0);
    random.shuffle(std::span(names));
    Labels& labels = result.emplace_back();
    for (std::int64_t i = 0; i < rows; ++i)
      labels.push_back(names[random.uniform() < wrong ? random.below(clusters) : i % clusters]);
  }
  return result;
}

Labels truth_of(std::int64_t rows, std::int64_t clusters) {
  Labels truth;
  for (std::int64_t i = 0; i < rows; ++i) truth.push_back(static_cast<std::int32_t>(i % clusters));
  return truth;
}

Matrix<double> one_hot(const Labels& labels, std::int64_t clusters, bool unit_columns) {
  Matrix<double> y(static_cast<std::int64_t>(labels.size()), clusters);
  for (std::int64_t i = 0; i < y.rows(); ++i) {
    const auto size = std::count(labels.begin(), labels.end(), labels[i]);
    y(i, labels[i]) = unit_columns ? 1 / std::sqrt(double(size)) : 1.0;
  }
  return y;
}

/// |H - Y R|^2.
double misfit(const Matrix<double>& h, const Matrix<double>& y, const Matrix<double>& r) {
  double sum = 0;
  for (std::int64_t i = 0; i < h.rows(); ++i)
    for (std::int64_t k = 0; k < h.cols(); ++k) {
      double value = h(i, k);
      for (std::int64_t j = 0; j < y.cols(); ++j) value -= y(i, j) * r(j, k);
      sum += value * value;
    }
  return sum;
}

/// Columns p and q turned by `angle`: times an orthogonal matrix from the right.
Matrix<double> turned(Matrix<double> matrix, std::int64_t p, std::int64_t q, double angle) {
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    const double a = matrix(i, p), b = matrix(i, q);
    matrix(i, p) = std::cos(angle) * a - std::sin(angle) * b;
    matrix(i, q) = std::sin(angle) * a + std::cos(angle) * b;
  }
  return matrix;
}

TEST(Consensus, EveryMethodRecoversTheTruthFromNoisyRenamedSets) {
  const Labels truth = truth_of(600, 5);
  const Sets sets = noisy_sets(600, 5, 9, 0.25);
  for (const ConsensusMethod method : kMethods) {
    if (method == ConsensusMethod::hgpa) continue;  // all its cuts cost alike here
    const Labels found = consensus_labels(method, sets, 5);
    EXPECT_GE(accuracy(found, truth), 0.98) << "method " << static_cast<int>(method);
    for (const Labels& set : sets) EXPECT_GT(accuracy(found, truth), accuracy(set, truth));
    EXPECT_EQ(consensus_labels(method, sets, 5), found);
  }
}

TEST(Consensus, EqualSetsGiveThatClustering) {
  const Labels one = {0, 0, 1, 1, 1, 2, 2};
  const Labels renamed = {7, 7, 3, 3, 3, 0, 0};
  for (const ConsensusMethod method : kMethods)
    EXPECT_EQ(adjusted_rand_index(consensus_labels(method, Sets{one, renamed, one}, 3), one), 1.0)
        << "method " << static_cast<int>(method);
}

TEST(Consensus, DifferentNumbersOfClustersAndTwoOfThem) {
  // The second set splits clusters of the first: both agree on two groups.
  const Sets sets = {{0, 0, 0, 0, 1, 1, 1, 1}, {0, 0, 1, 1, 2, 2, 3, 3}, {1, 1, 1, 1, 0, 0, 0, 0}};
  for (const ConsensusMethod method : kMethods)
    EXPECT_EQ(adjusted_rand_index(consensus_labels(method, sets, 2), sets[0]), 1.0)
        << "method " << static_cast<int>(method);
}

TEST(Consensus, AsManyClustersAsTuples) {
  const Sets sets = {{0, 0, 1, 1, 0}, {0, 1, 0, 1, 0}};
  const Labels tuples = {0, 1, 2, 3, 0};
  for (const ConsensusMethod method : {ConsensusMethod::coassociation, ConsensusMethod::hgpa})
    EXPECT_EQ(adjusted_rand_index(consensus_labels(method, sets, 4), tuples), 1.0);
}

TEST(Consensus, CoassociationByHand) {
  // Shares of sets that separate: rows 0 and 1: 0; 2 from 0, 1: 1/3; 3 from 2: 2/3, from 0, 1: 1.
  // Average linkage: {0, 1}, then 2 at 1/3, then 3 at (1 + 1 + 2/3) / 3.
  const Sets sets = {{0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 1, 1}};
  EXPECT_EQ(coassociation_consensus(sets, 2), (Labels{0, 0, 0, 1}));
  EXPECT_EQ(coassociation_consensus(sets, 3), (Labels{0, 0, 1, 2}));
}

TEST(Consensus, CoassociationCountsRowsNotTuples) {
  // Tuples a (0,0) with 30 rows, b (0,1) with 1, c (1,1) with 30, d (1,2) with 1. a-b, b-c and c-d
  // are at 1/2, all else at 1. Average linkage must weigh by rows: whichever of them joins first,
  // a and c stay apart, for their pairs are 900 of the 961 or so that decide.
  Sets sets(2);
  const auto add = [&](int count, int first, int second) {
    for (int i = 0; i < count; ++i) {
      sets[0].push_back(first);
      sets[1].push_back(second);
    }
  };
  add(30, 0, 0);
  add(1, 0, 1);
  add(30, 1, 1);
  add(1, 1, 2);
  const Labels found = coassociation_consensus(sets, 2);
  EXPECT_NE(found[0], found[31]);
}

/// X'G.
Matrix<double> product(const Matrix<double>& x, const Matrix<double>& g) {
  Matrix<double> sums(x.cols(), g.cols());
  for (std::int64_t i = 0; i < x.rows(); ++i)
    for (std::int64_t p = 0; p < x.cols(); ++p)
      for (std::int64_t q = 0; q < g.cols(); ++q) sums(p, q) += x(i, p) * g(i, q);
  return sums;
}

/// The matrix of orthonormal columns that gradient ascent along their manifold from `x` ends at,
/// where tr(X'G) is highest nearby.
Matrix<double> climbed(Matrix<double> x, const Matrix<double>& g) {
  for (int step = 0; step < 5000; ++step) {
    const Matrix<double> xg = product(x, g);
    Matrix<double> next = x;
    for (std::int64_t i = 0; i < x.rows(); ++i)
      for (std::int64_t k = 0; k < x.cols(); ++k) {
        double slope = g(i, k);
        for (std::int64_t p = 0; p < x.cols(); ++p) slope -= x(i, p) * (xg(p, k) + xg(k, p)) / 2;
        next(i, k) += 0.05 * slope;
      }
    for (std::int64_t k = 0; k < x.cols(); ++k) {  // Gram-Schmidt
      for (std::int64_t p = 0; p < k; ++p) {
        double along = 0;
        for (std::int64_t i = 0; i < x.rows(); ++i) along += next(i, p) * next(i, k);
        for (std::int64_t i = 0; i < x.rows(); ++i) next(i, k) -= along * next(i, p);
      }
      double square = 0;
      for (std::int64_t i = 0; i < x.rows(); ++i) square += next(i, k) * next(i, k);
      for (std::int64_t i = 0; i < x.rows(); ++i) next(i, k) /= std::sqrt(square);
    }
    x = next;
  }
  return x;
}

double trace(const Matrix<double>& x, const Matrix<double>& g) {
  double sum = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) sum += x.data()[i] * g.data()[i];
  return sum;
}

/// Expects `found` to be as high as the best of eight ascents, and to be where that is.
void expect_highest(const Matrix<double>& found, const Matrix<double>& g) {
  double highest = -1e300;
  Matrix<double> best;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    RandomStream random(seed, "ascent");
    Matrix<double> start(g.rows(), g.cols());
    for (std::int64_t i = 0; i < start.size(); ++i) start.data()[i] = random.normal();
    const Matrix<double> end = climbed(start, g);
    if (trace(end, g) <= highest) continue;
    highest = trace(end, g);
    best = end;
  }
  EXPECT_NEAR(trace(found, g), highest, 1e-9);
  for (std::int64_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found.data()[i], best.data()[i], 1e-4);
}

TEST(Consensus, ClosedFormsAreWhereNumericalOptimisationEnds) {
  // One pass from R_i = I and alpha = 1/3.
  const Sets sets = {{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2},
                     {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2},
                     {0, 0, 1, 0, 1, 1, 2, 1, 2, 2, 0, 2}};
  const RotationConsensus found =
      rotation_consensus(sets, 3, {.max_passes = 1, .aligned_start = false});
  std::vector<Matrix<double>> y;
  for (const Labels& set : sets) y.push_back(one_hot(set, 3, false));
  Matrix<double> a(12, 3);  // eq. 6 maximises tr(H'A)
  for (std::int64_t i = 0; i < a.size(); ++i)
    a.data()[i] = (y[0].data()[i] + y[1].data()[i] + y[2].data()[i]) / 9;
  expect_highest(found.embedding, a);
  std::vector<double> misfits;
  for (std::size_t m = 0; m < 3; ++m) {  // eq. 8 maximises tr(R'Y'H)
    expect_highest(found.rotations[m], product(y[m], found.embedding));
    misfits.push_back(misfit(found.embedding, y[m], found.rotations[m]));
  }
  // Eq. 10: all weights that sum to 1, on a fine grid.
  const auto loss = [&](double first, double second) {
    const double third = 1 - first - second;
    return first * first * misfits[0] + second * second * misfits[1] + third * third * misfits[2];
  };
  double least = 1e300, first = 0, second = 0;
  for (int i = 0; i <= 2000; ++i)
    for (int j = 0; i + j <= 2000; ++j)
      if (const double value = loss(i / 2000.0, j / 2000.0); value < least) {
        least = value;
        first = i / 2000.0;
        second = j / 2000.0;
      }
  EXPECT_NEAR(found.alpha[0], first, 5e-4);
  EXPECT_NEAR(found.alpha[1], second, 5e-4);
  EXPECT_LE(found.losses.back(), least);
  EXPECT_NEAR(found.losses.back(), least, 1e-5);
}

TEST(Consensus, RotationLossFallsAndEveryUpdateIsOptimal) {
  const Sets sets = noisy_sets(200, 4, 5, 0.35);
  for (const bool unit_columns : {false, true}) {
    RotationParams params;
    params.unit_columns = unit_columns;
    params.tolerance = 1e-15;
    params.max_passes = 3000;
    const RotationConsensus found = rotation_consensus(sets, 4, params);
    for (std::size_t p = 1; p < found.losses.size(); ++p)
      EXPECT_LE(found.losses[p], found.losses[p - 1] * (1 + 1e-12));
    EXPECT_NEAR(std::accumulate(found.alpha.begin(), found.alpha.end(), 0.0), 1.0, 1e-12);
    const Matrix<double>& h = found.embedding;
    for (std::int64_t p = 0; p < 4; ++p)
      for (std::int64_t q = 0; q < 4; ++q) {
        double product = 0;
        for (std::int64_t i = 0; i < 200; ++i) product += h(i, p) * h(i, q);
        EXPECT_NEAR(product, p == q ? 1.0 : 0.0, 1e-9);
      }
    // At the end no turn of H or of an R_i, and no shift of weight, lowers the loss.
    std::vector<Matrix<double>> y;
    std::vector<double> misfits;
    double loss = 0;
    for (std::size_t m = 0; m < 5; ++m) {
      y.push_back(one_hot(sets[m], 4, unit_columns));
      misfits.push_back(misfit(h, y[m], found.rotations[m]));
      loss += found.alpha[m] * found.alpha[m] * misfits[m];
    }
    EXPECT_NEAR(loss, found.losses.back(), 1e-9 * loss);
    for (const double angle : {0.01, -0.01, 0.7})
      for (std::int64_t p = 0; p < 4; ++p)
        for (std::int64_t q = 0; q < p; ++q) {
          double with_h = 0;
          for (std::size_t m = 0; m < 5; ++m) {
            EXPECT_GT(misfit(h, y[m], turned(found.rotations[m], p, q, angle)), misfits[m]);
            with_h += found.alpha[m] * found.alpha[m] *
                      misfit(turned(h, p, q, angle), y[m], found.rotations[m]);
          }
          EXPECT_GT(with_h, loss);
        }
    // H itself may turn among rows as well: rows p and q keep H'H = I.
    RandomStream random(1, "turns");
    for (int turn = 0; turn < 200; ++turn) {
      Matrix<double> other = h;
      const auto p = static_cast<std::int64_t>(random.below(200));
      const auto q = static_cast<std::int64_t>(random.below(200));
      if (p == q) continue;
      const double angle = 0.2 * random.normal();
      for (std::int64_t k = 0; k < 4; ++k) {
        other(p, k) = std::cos(angle) * h(p, k) - std::sin(angle) * h(q, k);
        other(q, k) = std::sin(angle) * h(p, k) + std::cos(angle) * h(q, k);
      }
      double with_other = 0;
      for (std::size_t m = 0; m < 5; ++m)
        with_other += found.alpha[m] * found.alpha[m] * misfit(other, y[m], found.rotations[m]);
      EXPECT_GE(with_other, loss * (1 - 1e-9));
    }
    if (unit_columns) continue;  // alpha is of the H that equal weights gave
    double total = 0;
    for (const double d : misfits) total += 1 / d;
    for (std::size_t m = 0; m < 5; ++m) EXPECT_NEAR(found.alpha[m], 1 / misfits[m] / total, 1e-6);
  }
}

TEST(Consensus, RotationTrustsTheSetsThatAgree) {
  for (const std::int64_t clusters : {2, 4, 10}) {
    Sets sets = noisy_sets(400, clusters, 6, 0.1);
    sets.push_back(noisy_sets(400, clusters, 1, 1.0)[0]);  // noise
    for (const bool unit_columns : {false, true}) {
      const RotationConsensus found =
          rotation_consensus(sets, clusters, {.unit_columns = unit_columns});
      EXPECT_GE(accuracy(found.labels, truth_of(400, clusters)), 0.98);
      // Plain columns: all distances are nearly N, so that noise is last, but hardly.
      for (std::size_t m = 0; m < 6; ++m)
        EXPECT_GT(found.alpha[m], (unit_columns ? 2 : 1) * found.alpha[6]) << clusters;
      EXPECT_GT(found.alpha[6], (unit_columns ? 0 : 0.75) / 7);
    }
  }
}

TEST(Consensus, RotationWeighsRenamedCopiesAlike) {
  const Sets sets = {{0, 0, 1, 1, 1, 2, 2}, {2, 2, 0, 0, 0, 1, 1}, {1, 1, 2, 2, 2, 0, 0}};
  for (const bool unit_columns : {false, true}) {
    const RotationConsensus found = rotation_consensus(sets, 3, {.unit_columns = unit_columns});
    EXPECT_EQ(adjusted_rand_index(found.labels, sets[0]), 1.0);
    for (const double alpha : found.alpha) EXPECT_NEAR(alpha, 1.0 / 3, 1e-9);
  }
}

TEST(Consensus, RotationIsSoundWhereCandidatesHaveLessThanFullRank) {
  // Of one the clusters are empty but two, of another all rows have the same probabilities.
  const Labels halves = {0, 0, 0, 1, 1, 1}, thirds = {0, 0, 1, 1, 2, 2};
  std::vector<Matrix<float>> soft(3, Matrix<float>(6, 3));
  for (std::int64_t i = 0; i < 6; ++i) {
    soft[0](i, halves[i]) = 1;
    soft[1](i, thirds[i]) = 1;
    for (std::int64_t k = 0; k < 3; ++k) soft[2](i, k) = 1.f / 3;
  }
  for (const bool unit_columns : {false, true})
    for (const std::size_t used : {1, 2, 3}) {
      const RotationConsensus found =
          rotation_consensus(std::span(soft).first(used), 2, {.unit_columns = unit_columns});
      for (std::size_t p = 1; p < found.losses.size(); ++p)
        EXPECT_LE(found.losses[p], found.losses[p - 1] * (1 + 1e-9));
      for (std::int64_t i = 0; i < found.embedding.size(); ++i)
        EXPECT_TRUE(std::isfinite(found.embedding.data()[i]));
      for (const double alpha : found.alpha) EXPECT_TRUE(alpha > 0 && alpha <= 1);
      if (used == 1) {
        EXPECT_EQ(adjusted_rand_index(found.labels, halves), 1.0);
      }
    }
}

TEST(Consensus, RotationOfSoftCandidatesEqualsThatOfTheirLabels) {
  const Sets sets = noisy_sets(300, 4, 4, 0.2);
  std::vector<Matrix<float>> soft;
  for (const Labels& set : sets) {
    Matrix<float>& y = soft.emplace_back(300, 6);  // two of the six clusters stay empty
    for (std::int64_t i = 0; i < 300; ++i) y(i, set[i]) = 1;
  }
  for (const bool unit_columns : {false, true}) {
    const RotationConsensus hard = rotation_consensus(sets, 4, {.unit_columns = unit_columns});
    const RotationConsensus found = rotation_consensus(soft, 4, {.unit_columns = unit_columns});
    EXPECT_NEAR(found.losses.back(), hard.losses.back(), 1e-9);
    for (std::size_t m = 0; m < 4; ++m) EXPECT_NEAR(found.alpha[m], hard.alpha[m], 1e-9);
    EXPECT_EQ(adjusted_rand_index(found.labels, hard.labels), 1.0);
  }
}

TEST(Consensus, LossesAndEmbeddingAreTheSameWhateverTheThreads) {
  const Sets sets = noisy_sets(9000, 6, 7, 0.4);
  const int threads = thread_count();
  set_thread_count(1);
  const RotationConsensus one = rotation_consensus(sets, 6, {.restarts = 1});
  set_thread_count(3);
  const RotationConsensus three = rotation_consensus(sets, 6, {.restarts = 1});
  set_thread_count(threads);
  EXPECT_EQ(one.losses, three.losses);
  EXPECT_TRUE(std::equal(one.embedding.data(), one.embedding.data() + one.embedding.size(),
                         three.embedding.data()));
}

TEST(Consensus, HgpaFindsTheLeastCutOfAll) {
  // Every balanced split of 12 rows into two, tried one by one. Limit: 6 rows and the heaviest
  // tuple.
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    RandomStream random(seed, "hgpa");
    Sets sets(3, Labels(12));
    for (Labels& set : sets)
      for (std::size_t i = 0; i < 12; ++i)
        set[i] = static_cast<std::int32_t>(random.uniform() < 0.2 ? random.below(4) : i / 3);
    const auto cut = [&](const Labels& parts) {
      int total = 0;
      for (const Labels& set : sets)
        for (std::int32_t k = 0; k < 4; ++k) {
          bool in[2] = {};
          for (std::size_t i = 0; i < 12; ++i)
            if (set[i] == k) in[parts[i]] = true;
          total += in[0] && in[1];
        }
      return total;
    };
    int least = 100;
    for (int code = 0; code < 4096; ++code) {
      Labels parts(12);
      for (int i = 0; i < 12; ++i) parts[i] = code >> i & 1;
      const auto ones = std::count(parts.begin(), parts.end(), 1);
      if (ones >= 5 && ones <= 7) least = std::min(least, cut(parts));
    }
    EXPECT_LE(cut(hgpa_consensus(sets, 2)), least) << "seed " << seed;
  }
}

TEST(Consensus, HgpaKeepsPartsEqual) {
  const Labels found = hgpa_consensus(noisy_sets(1000, 4, 5, 0.4), 4);
  for (std::int32_t k = 0; k < 4; ++k)
    EXPECT_LE(std::count(found.begin(), found.end(), k), 250 * 1.05 + 40);
}

TEST(Consensus, ChoosesTheCandidateThatAgreesMost) {
  const Sets sets = noisy_sets(300, 3, 5, 0.2);
  EXPECT_EQ(best_candidate(Sets{sets[0], truth_of(300, 3), truth_of(300, 2)}, sets), 1u);
  EXPECT_NEAR(mean_nmi(Labels{0, 0, 1, 1}, Sets{{1, 1, 0, 0}, {0, 1, 0, 1}}), 0.5, 1e-12);
}

TEST(Consensus, RefusesBadInputAndStops) {
  const Sets sets = {{0, 0, 1, 1}, {0, 1, 0, 1}};
  CancelToken cancel;
  cancel.cancel();
  for (const ConsensusMethod method : kMethods) {
    EXPECT_CONTAINS(user_error_of([&] { consensus_labels(method, sets, 5); }), "allowed is 2 to 4");
    EXPECT_CONTAINS(user_error_of([&] { consensus_labels(method, sets, 1); }), "allowed is 2 to 4");
    EXPECT_CONTAINS(user_error_of([&] { consensus_labels(method, Sets{}, 2); }), "at least one");
    EXPECT_CONTAINS(user_error_of([&] { consensus_labels(method, Sets{{0, 1}, {0}}, 2); }), "1");
    EXPECT_CONTAINS(user_error_of([&] { consensus_labels(method, Sets{{0, -1, 2}}, 2); }), "-1");
    EXPECT_THROW(consensus_labels(method, sets, 2, {.cancel = &cancel}), Interrupted);
  }
  std::vector<Matrix<float>> soft = {Matrix<float>(4, 2), Matrix<float>(5, 2)};
  EXPECT_CONTAINS(user_error_of([&] { rotation_consensus(soft, 2); }), "4 and 5");
}

}  // namespace
}  // namespace coterie
