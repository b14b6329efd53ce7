#include "coterie/shallow/pac.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/metrics/scores.h"
#include "coterie/shallow/pac_pairs.h"
#include "coterie/shallow/principal_components.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

/// Start probabilities for a comparison: softmax of N(0, 1) / 10, or another `part` of it.
Matrix<double> random_start(std::int64_t rows, std::int64_t clusters, std::uint64_t seed = 3,
                            double part = 0.1) {
  Matrix<double> p(rows, clusters);
  RandomStream random(seed, "start");
  for (std::int64_t i = 0; i < rows; ++i) {
    double total = 0;
    for (std::int64_t k = 0; k < clusters; ++k) total += p(i, k) = std::exp(random.normal() * part);
    for (std::int64_t k = 0; k < clusters; ++k) p(i, k) /= total;
  }
  return p;
}

/// Algorithm 1 of the paper as it stands there: all pairs of rows, O(N^2 K), one row at a time.
void plain_pac(MatrixView<const double> x, Matrix<double>& p, const PacParams& params, int sweeps) {
  const double alpha = 1.0 / (params.m - 1.0);
  for (int sweep = 0; sweep < sweeps; ++sweep)
    for (std::int64_t i = 0; i < x.rows; ++i) {
      std::vector<double> score(static_cast<std::size_t>(p.cols()));
      for (std::int64_t j = 0; j < x.rows; ++j) {
        if (j == i) continue;
        double distance = 0;
        for (std::int64_t d = 0; d < x.cols; ++d)
          distance += (x(i, d) - x(j, d)) * (x(i, d) - x(j, d));
        if (params.distance == PacDistance::euclidean) distance = std::sqrt(distance);
        for (std::int64_t k = 0; k < p.cols(); ++k)
          score[k] +=
              distance * (params.weight == PacWeight::p ? p(j, k) : std::pow(p(j, k), params.m));
      }
      const double smallest = *std::min_element(score.begin(), score.end());
      double total = 0;
      for (std::int64_t k = 0; k < p.cols(); ++k)
        total += p(i, k) = std::pow(score[k] / smallest, -alpha);
      for (std::int64_t k = 0; k < p.cols(); ++k) p(i, k) /= total;
    }
}

/// Rows in double, of unit length where the distance is cosine.
Matrix<double> rows_in_double(const Matrix<float>& features, PacDistance distance) {
  Matrix<double> x(features.rows(), features.cols());
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    double length = 0;
    for (std::int64_t d = 0; d < x.cols(); ++d)
      length += static_cast<double>(features(i, d)) * features(i, d);
    const double scale = distance == PacDistance::cosine ? 1.0 / std::sqrt(length) : 1.0;
    for (std::int64_t d = 0; d < x.cols(); ++d) x(i, d) = features(i, d) * scale;
  }
  return x;
}

struct Variant {
  PacDistance distance;
  PacWeight weight;
  double m;
  double offset;  // of the data from the origin
};

class PacAgainstPairs : public ::testing::TestWithParam<Variant> {};

TEST_P(PacAgainstPairs, LinearFormGivesTheSameProbabilitiesRowByRow) {
  const Variant variant = GetParam();
  const Blobs blobs(90, 5, 4, 3.0, 7, variant.offset);
  PacParams params{
      .m = variant.m, .distance = variant.distance, .weight = variant.weight, .block_rows = 1};
  const Matrix<double> x = rows_in_double(blobs.features, variant.distance);
  for (int sweeps = 1; sweeps <= 6; ++sweeps) {
    Matrix<double> expected = random_start(90, 4);
    plain_pac(x, expected, params, sweeps);
    const Matrix<double> found = Pac(params).refine(blobs.features, random_start(90, 4), sweeps);
    for (std::int64_t i = 0; i < expected.rows(); ++i)
      for (std::int64_t k = 0; k < expected.cols(); ++k)
        ASSERT_NEAR(found(i, k), expected(i, k), 1e-9)
            << "row " << i << ", cluster " << k << ", sweep " << sweeps;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Variants, PacAgainstPairs,
    ::testing::Values(Variant{PacDistance::sqeuclidean, PacWeight::p, 1.03, 0},
                      Variant{PacDistance::sqeuclidean, PacWeight::p_to_m, 1.03, 0},
                      Variant{PacDistance::sqeuclidean, PacWeight::p, 2.0, 0},
                      Variant{PacDistance::cosine, PacWeight::p, 1.03, 0},
                      Variant{PacDistance::cosine, PacWeight::p_to_m, 1.2, 5},
                      // Far from the origin: without centring the form would lose all digits.
                      Variant{PacDistance::sqeuclidean, PacWeight::p, 1.03, 1e4}));

TEST(Pac, OneStepByHand) {
  // Rows 0, 1 and 3 on a line; the first row's scores are s_k = p_1k * 1 + p_2k * 9, and with m = 2
  // its new probabilities are 1/s_k, normalised.
  Matrix<float> x(3, 1);
  x(1, 0) = 1;
  x(2, 0) = 3;
  Matrix<double> start(3, 2);
  const double values[] = {0.5, 0.5, 0.75, 0.25, 0.25, 0.75};
  std::copy(std::begin(values), std::end(values), start.data());
  const Matrix<double> p = Pac({.m = 2.0, .block_rows = 3}).refine(x, start, 1);
  // s_0 = (0.75 + 2.25, 0.25 + 6.75) = (3, 7): p_0 = (0.7, 0.3).
  EXPECT_NEAR(p(0, 0), 0.7, 1e-12);
  EXPECT_NEAR(p(0, 1), 0.3, 1e-12);
  // A block's rows see the start: s_1 = (0.5 + 4 * 0.25, 0.5 + 4 * 0.75) = (1.5, 3.5).
  EXPECT_NEAR(p(1, 0), 0.7, 1e-12);
  // s_2 = (9 * 0.5 + 4 * 0.75, 9 * 0.5 + 4 * 0.25) = (7.5, 5.5): p_2 = (5.5, 7.5) / 13.
  EXPECT_NEAR(p(2, 0), 5.5 / 13, 1e-12);
}

TEST(Pac, FindsSeparatedBlobsFromEverySeed) {
  const Blobs blobs(400, 6, 5);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Assignment found = Pac().fit(blobs.features, 5, {.seed = seed});
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0) << "seed " << seed;
  }
}

/// Rows of variance 1 in each of 120 directions, in six clusters, each along one of them.
struct WhiteRows {
  WhiteRows() {
    RandomStream random(5, "white rows");
    for (std::int64_t i = 0; i < features.rows(); ++i) {
      truth.push_back(static_cast<std::int32_t>(i % kClusters));
      for (std::int64_t d = 0; d < features.cols(); ++d) {
        // 5 in a sixth of the rows: a variance of 25 * 1/6 * 5/6, beside that of the noise.
        const double shift = d == truth.back() ? 5 : 0;
        const double deviation = d < kClusters ? std::sqrt(1 + 25.0 * 5 / 36) : 1;
        features(i, d) = static_cast<float>((random.normal() + shift) / deviation);
      }
    }
  }
  static constexpr int kClusters = 6;
  Matrix<float> features{1200, 120};
  std::vector<std::int32_t> truth;
};

TEST(Pac, RowsThatVaryInManyDirectionsAlikeNeedLessFuzziness) {
  const WhiteRows white;
  Pac pac({.distance = PacDistance::cosine, .restarts = 2});
  const Assignment found = pac.fit(white.features, WhiteRows::kClusters);
  EXPECT_LT(pac.fuzziness(), 1 + 1.0 / 100);
  EXPECT_GT(accuracy(found.labels, white.truth), 0.9);
  Pac again({.distance = PacDistance::cosine});
  again.load(pac.save());
  EXPECT_EQ(again.fuzziness(), pac.fuzziness());
  EXPECT_EQ(again.predict(white.features).labels, found.labels);

  // As the paper has it, all of them stay between all clusters.
  const auto most = [](const Matrix<double>& p) {
    return *std::max_element(p.row(0), p.row(0) + p.size());
  };
  const auto start = random_start(1200, WhiteRows::kClusters, 3, 0.001);
  const Pac paper({.distance = PacDistance::cosine, .block_rows = 10});
  EXPECT_LT(most(paper.refine(white.features, start, 30)), most(start));
}

TEST(Pac, FuzzinessStaysWhereFewDirectionsHoldTheVariance) {
  const Blobs blobs(300, 3, 4);
  Pac pac;
  pac.fit(blobs.features, 3);
  EXPECT_EQ(pac.fuzziness(), PacParams().m);
}

TEST(LargestVarianceShare, OfAGridByHand) {
  // Variances 9, 1 and 0 along the axes, and a mean that does not count.
  Matrix<float> rows(400, 3);
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    rows(i, 0) = i % 2 ? 103 : 97;
    rows(i, 1) = i / 2 % 2 ? 1 : -1;
    rows(i, 2) = 5;
  }
  const PreparedRows prepared(rows, PreparedRows::mean_of(rows, false), false);
  EXPECT_NEAR(largest_variance_share(prepared), 0.9, 1e-3);
  const Matrix<float> equal(10, 3);
  EXPECT_EQ(largest_variance_share(PreparedRows(equal, {0, 0, 0}, false)), 0);
}

TEST(Pac, ObjectiveIsTheSumOverAllPairs) {
  const Blobs blobs(120, 3, 3, 4.0);
  for (const PacWeight weight : {PacWeight::p, PacWeight::p_to_m}) {
    Pac pac({.weight = weight, .restarts = 1, .max_sweeps = 60, .tolerance = 0});
    const Assignment found = pac.fit(blobs.features, 3, {.seed = 2});
    // After 60 sweeps the stored probabilities are those of the last sweep to 1e-6.
    double objective = 0;
    for (std::int64_t i = 0; i < 120; ++i)
      for (std::int64_t j = 0; j < 120; ++j) {
        double distance = 0, together = 0;
        for (std::int64_t d = 0; d < 3; ++d)
          distance += std::pow(blobs.features(i, d) - blobs.features(j, d), 2);
        for (std::int64_t k = 0; k < 3; ++k)
          together += found.probabilities(i, k) * found.probabilities(j, k);
        objective += together * distance;
      }
    EXPECT_NEAR(pac.restarts()[0].objective / objective, 1.0, 1e-4);
  }
}

TEST(Pac, KeepsTheRestartOfTheLowestObjective) {
  const Blobs blobs(300, 2, 7, 3.0);  // seven overlapping blobs in the plane: several end states
  Pac pac({.restarts = 12});
  pac.fit(blobs.features, 7, {.seed = 5});
  ASSERT_EQ(pac.restarts().size(), 12u);
  double lowest = std::numeric_limits<double>::infinity(), highest = 0;
  for (const auto& restart : pac.restarts()) {
    lowest = std::min(lowest, restart.objective);
    highest = std::max(highest, restart.objective);
    EXPECT_EQ(restart.changes.size(), static_cast<std::size_t>(restart.sweeps));
  }
  EXPECT_LT(lowest, highest);
  EXPECT_EQ(pac.restarts()[pac.chosen_restart()].objective, lowest);
}

TEST(Pac, SameSeedSameResultOnAnyNumberOfThreads) {
  const Blobs blobs(500, 4, 6, 3.0);
  const int before = thread_count();
  set_thread_count(1);
  const Assignment one = Pac().fit(blobs.features, 6, {.seed = 4});
  set_thread_count(4);
  const Assignment four = Pac().fit(blobs.features, 6, {.seed = 4});
  set_thread_count(before);
  EXPECT_EQ(one.labels, four.labels);
  for (std::int64_t i = 0; i < one.probabilities.size(); ++i)
    ASSERT_EQ(one.probabilities.data()[i], four.probabilities.data()[i]);
}

TEST(Pac, ATeamOfThreadsAgreesWithOne) {
  // Large enough that a single restart is shared by the threads.
  const Blobs blobs(40000, 64, 80, 6.0);
  const int before = thread_count();
  const PacParams params{.restarts = 1, .max_sweeps = 5};
  set_thread_count(1);
  const Assignment one = Pac(params).fit(blobs.features, 80);
  set_thread_count(3);
  const Assignment three = Pac(params).fit(blobs.features, 80);
  set_thread_count(before);
  std::int64_t differing = 0;
  for (std::size_t i = 0; i < one.labels.size(); ++i) differing += one.labels[i] != three.labels[i];
  EXPECT_LE(differing, 4);  // Sums in another order: ties may fall the other way.
}

TEST(Pac, PredictRepeatsTheFitAndSurvivesSaving) {
  const Blobs blobs(257, 5, 4, 3.0);
  Pac pac;
  const Assignment fitted = pac.fit(blobs.features, 4);
  Pac loaded;
  loaded.load(pac.save());
  for (const Pac* model : {&pac, &loaded}) {
    const Assignment again = model->predict(blobs.features);
    EXPECT_EQ(again.labels, fitted.labels);
    for (std::int64_t i = 0; i < again.probabilities.size(); ++i)
      ASSERT_EQ(again.probabilities.data()[i], fitted.probabilities.data()[i]);
  }
}

TEST(Pac, BlockSizeBarelyMatters) {
  const Blobs blobs(600, 8, 5, 4.0);
  const Assignment small = Pac({.block_rows = 1}).fit(blobs.features, 5);
  const Assignment large = Pac({.block_rows = 64}).fit(blobs.features, 5);
  EXPECT_GE(accuracy(small.labels, large.labels), 0.995);
}

TEST(Pac, UpdatingTooManyRowsAtOnceCollapses) {
  // Why `fit` limits the block: from the same start, half of the rows at once end in one cluster or
  // swing for ever, single rows find the blobs.
  const Blobs blobs(120, 3, 3, 4.0);
  const auto labels_after = [&](int block) {
    const Matrix<double> p =
        Pac({.block_rows = block}).refine(blobs.features, random_start(120, 3), 40);
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < 120; ++i)
      labels.push_back(
          static_cast<std::int32_t>(std::max_element(p.row(i), p.row(i) + 3) - p.row(i)));
    return labels;
  };
  EXPECT_GT(accuracy(labels_after(1), blobs.truth), 0.95);
  EXPECT_LT(accuracy(labels_after(120), blobs.truth), 0.7);
  EXPECT_GT(accuracy(Pac({.block_rows = 1024}).fit(blobs.features, 3).labels, blobs.truth), 0.95);
}

TEST(Pac, CoincidingRowsGiveFiniteProbabilities) {
  Matrix<float> same(50, 3);  // four points, one of them 47 times
  for (std::int64_t i = 0; i < 3; ++i) same(i, i) = 1.0f;
  const Assignment found = Pac({.restarts = 2}).fit(same, 4);
  for (std::int64_t i = 0; i < found.probabilities.size(); ++i)
    ASSERT_TRUE(std::isfinite(found.probabilities.data()[i]));
  Matrix<float> pair(40, 2);  // two points, twenty copies of each
  for (std::int64_t i = 20; i < 40; ++i) pair(i, 0) = 1.0f;
  const Assignment split = Pac().fit(pair, 2);
  for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(split.labels[i] == split.labels[0], i < 20);
}

TEST(Pac, SettledRowsArePassedOverAndTheEndIsTheSame) {
  const Blobs blobs(3000, 2, 7, 2.5);
  Pac pac({.restarts = 1});
  pac.fit(blobs.features, 7);
  const PacRun& run = pac.restarts()[0];
  EXPECT_TRUE(run.converged);
  EXPECT_LT(run.updates, 3000 * static_cast<std::int64_t>(run.sweeps));
  // With tolerance 0 every row is visited in every sweep, to the same end.
  Pac every({.restarts = 1, .tolerance = 0});
  every.fit(blobs.features, 7);
  EXPECT_EQ(every.restarts()[0].updates, 3000 * 100);
  EXPECT_NEAR(run.objective / every.restarts()[0].objective, 1.0, 1e-4);
}

TEST(Pac, RestartsOnASampleReachTheObjectiveOfAllRows) {
  const Blobs blobs(6000, 4, 8, 2.5);
  Pac sampled({.sample_rows = 1600}), whole({.sample_rows = 0});
  const auto found = sampled.fit(blobs.features, 8, {.seed = 3});
  const auto expected = whole.fit(blobs.features, 8, {.seed = 3});
  ASSERT_TRUE(sampled.full_run().has_value());
  EXPECT_FALSE(whole.full_run().has_value());
  EXPECT_TRUE(sampled.full_run()->converged);
  EXPECT_LE(sampled.objective() / whole.objective(), 1.0 + 1e-4);
  EXPECT_GT(accuracy(found.labels, expected.labels), 0.98);
  EXPECT_EQ(sampled.predict(blobs.features).labels, found.labels);
}

TEST(Pac, AWarmStartStaysWhereItIs) {
  const Blobs blobs(900, 5, 4, 4.0);
  Pac pac;
  const Assignment fitted = pac.fit(blobs.features, 4);
  Pac again;
  const Assignment warm = again.fit_from(blobs.features, fitted.probabilities);
  EXPECT_EQ(warm.labels, fitted.labels);
  EXPECT_LE(again.full_run()->sweeps, 3);
  EXPECT_NEAR(again.objective() / pac.objective(), 1.0, 1e-6);
  Matrix<float> wrong = fitted.probabilities;
  wrong(7, 0) += 0.5f;
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit_from(blobs.features, wrong); }), "row 7");
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit_from(blobs.features, Matrix<float>(9, 4)); }),
                  "9 rows");
}

TEST(PacEuclidean, SweepsMatchAPlainProgramOverAllPairs) {
  const Blobs blobs(80, 4, 3, 3.0);
  for (const PacWeight weight : {PacWeight::p, PacWeight::p_to_m}) {
    const PacParams params{.m = 1.1, .distance = PacDistance::euclidean, .weight = weight};
    Matrix<double> expected = random_start(80, 3);
    Matrix<float> found(80, 3);
    std::copy_n(expected.data(), expected.size(), found.data());
    plain_pac(rows_in_double(blobs.features, params.distance).view(), expected, params, 3);
    PacPairSweeper sweeper(blobs.features, params, 1, found);
    SweepPlan plan(80);
    Team::run(1, [&](int rank, Team& team) {
      for (int sweep = 0; sweep < 3; ++sweep) sweeper.sweep(plan, 0, rank, team);
    });
    for (std::int64_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found.data()[i], expected.data()[i], 2e-4) << "entry " << i;
  }
}

TEST(PacEuclidean, FindsBlobsPredictsAndSurvivesSaving) {
  const Blobs blobs(500, 4, 5, 6.0);
  const PacParams params{.distance = PacDistance::euclidean, .restarts = 3};
  Pac pac(params), loaded(params);
  const Assignment fitted = pac.fit(blobs.features, 5);
  EXPECT_EQ(accuracy(fitted.labels, blobs.truth), 1.0);
  loaded.load(pac.save());
  for (const Pac* model : {&pac, &loaded}) {
    const Assignment again = model->predict(blobs.features);
    for (std::int64_t i = 0; i < again.probabilities.size(); ++i)
      ASSERT_EQ(again.probabilities.data()[i], fitted.probabilities.data()[i]);
  }
  const Blobs others(60, 4, 5, 6.0, 8);
  const auto labels = pac.predict(others.features).labels;
  for (std::int64_t i = 0; i < 60; ++i) EXPECT_EQ(labels[i], fitted.labels[others.truth[i]]);
  double objective = 0;
  for (std::int64_t i = 0; i < 500; ++i)
    for (std::int64_t j = 0; j < 500; ++j) {
      double square = 0;
      for (std::int64_t d = 0; d < 4; ++d)
        square += std::pow(blobs.features(i, d) - blobs.features(j, d), 2);
      if (fitted.labels[i] == fitted.labels[j]) objective += std::sqrt(square);
    }
  EXPECT_NEAR(pac.objective() / objective, 1.0, 1e-3);
}

TEST(Pac, StopsWhenAskedTo) {
  const Blobs blobs(2000, 4, 4);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(Pac().fit(blobs.features, 4, {.cancel = &cancel}), Interrupted);
}

TEST(Pac, RefusesBadInput) {
  const Blobs blobs(20, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit(blobs.features, 1); }), "allowed is 2 to");
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit(blobs.features, 21); }), "20");
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit(Matrix<float>(0, 2), 2); }), "no rows");
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit(Matrix<float>(5, 0), 2); }), "no columns");
  EXPECT_CONTAINS(user_error_of([&] { Pac({.m = 1.0}); }), "m = 1 is out of range");
  EXPECT_CONTAINS(user_error_of([&] { Pac({.restarts = 0}); }), "restarts");
  EXPECT_CONTAINS(user_error_of([&] { Pac().predict(blobs.features); }), "not trained");
  Matrix<float> holed = blobs.features;
  holed(3, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(user_error_of([&] { Pac().fit(holed, 2); }), "row 3, column 1");
  Pac pac;
  pac.fit(blobs.features, 2);
  EXPECT_CONTAINS(user_error_of([&] { pac.predict(Matrix<float>(4, 3)); }), "2 features");
  EXPECT_CONTAINS(user_error_of([&] { Pac().load({}); }), "no tensor 'mean'");
}

}  // namespace
}  // namespace coterie
