#include "coterie/shallow/agglomerative.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "coterie/core/parallel.h"
#include "coterie/metrics/scores.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::Blobs;
using testing::user_error_of;

constexpr Linkage kLinkages[] = {Linkage::ward, Linkage::average, Linkage::complete,
                                 Linkage::single};

Matrix<float> on_a_line(const std::vector<float>& values) {
  Matrix<float> x(static_cast<std::int64_t>(values.size()), 1);
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

/// Merges the two nearest clusters again and again, every distance from its definition.
std::vector<Merge> plain_linkage(const Matrix<float>& x, Linkage linkage) {
  struct Cluster {
    std::int64_t id;
    std::vector<std::int64_t> rows;
  };
  const auto between_rows = [&](std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t d = 0; d < x.cols(); ++d)
      sum += std::pow(double(x(i, d)) - double(x(j, d)), 2);
    return std::sqrt(sum);
  };
  const auto between = [&](const Cluster& a, const Cluster& b) {
    double total = 0, largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (const auto i : a.rows)
      for (const auto j : b.rows) {
        total += between_rows(i, j);
        largest = std::max(largest, between_rows(i, j));
        smallest = std::min(smallest, between_rows(i, j));
      }
    const double na = double(a.rows.size()), nb = double(b.rows.size());
    if (linkage == Linkage::average) return total / (na * nb);
    if (linkage == Linkage::complete) return largest;
    if (linkage == Linkage::single) return smallest;
    double square = 0;
    for (std::int64_t d = 0; d < x.cols(); ++d) {
      double mean_a = 0, mean_b = 0;
      for (const auto i : a.rows) mean_a += x(i, d) / na;
      for (const auto j : b.rows) mean_b += x(j, d) / nb;
      square += (mean_a - mean_b) * (mean_a - mean_b);
    }
    return std::sqrt(2 * na * nb / (na + nb) * square);
  };
  std::vector<Cluster> clusters;
  for (std::int64_t i = 0; i < x.rows(); ++i) clusters.push_back({i, {i}});
  std::vector<Merge> merges;
  while (clusters.size() > 1) {
    double least = std::numeric_limits<double>::infinity();
    std::size_t a = 0, b = 1;
    for (std::size_t p = 0; p < clusters.size(); ++p)
      for (std::size_t q = p + 1; q < clusters.size(); ++q)
        if (const double distance = between(clusters[p], clusters[q]); distance < least) {
          least = distance;
          a = p;
          b = q;
        }
    Cluster made{x.rows() + static_cast<std::int64_t>(merges.size()), clusters[a].rows};
    made.rows.insert(made.rows.end(), clusters[b].rows.begin(), clusters[b].rows.end());
    merges.push_back({std::min(clusters[a].id, clusters[b].id),
                      std::max(clusters[a].id, clusters[b].id), least,
                      static_cast<std::int64_t>(made.rows.size())});
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(b));
    clusters[a] = made;
  }
  return merges;
}

void expect_equal(const std::vector<Merge>& found, const std::vector<Merge>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t m = 0; m < found.size(); ++m) {
    EXPECT_EQ(found[m].a, wanted[m].a) << "merge " << m;
    EXPECT_EQ(found[m].b, wanted[m].b) << "merge " << m;
    EXPECT_EQ(found[m].size, wanted[m].size) << "merge " << m;
    EXPECT_NEAR(found[m].height, wanted[m].height, 1e-6 * wanted.back().height) << "merge " << m;
  }
}

TEST(Agglomerative, FourRowsByHand) {
  // 0, 1, 5, 8. First {0, 1} at 1, then {5, 8} at 3. The last heights: between the means 0.5 and
  // 6.5 with 2 and 2 rows, sqrt(2 * 4 / 4) * 6; mean of 5, 8, 4, 7; the largest 8; the smallest 4.
  const Matrix<float> x = on_a_line({0, 1, 5, 8});
  const double last[] = {std::sqrt(2.0) * 6, 6, 8, 4};
  for (int l = 0; l < 4; ++l)
    expect_equal(dendrogram(x, kLinkages[l]), {{0, 1, 1, 2}, {2, 3, 3, 2}, {4, 5, last[l], 4}});
}

TEST(Agglomerative, UnequalClustersByHand) {
  // 0, 1, 3: {0, 1}, then row 3 against the mean 0.5 of two, sqrt(2 * 2 / 3) * 2.5.
  const Matrix<float> x = on_a_line({0, 1, 3});
  EXPECT_NEAR(dendrogram(x, Linkage::ward).back().height, std::sqrt(4.0 / 3.0) * 2.5, 1e-12);
  EXPECT_NEAR(dendrogram(x, Linkage::average).back().height, 2.5, 1e-12);
}

TEST(Agglomerative, EveryLinkageMatchesItsDefinition) {
  for (const Linkage linkage : kLinkages)
    for (const double offset : {0.0, 500.0}) {
      const Blobs blobs(90, 5, 4, 3.0, 11, offset);
      expect_equal(dendrogram(blobs.features, linkage), plain_linkage(blobs.features, linkage));
    }
}

TEST(Agglomerative, WardSearchesAcrossTiles) {
  // More rows than a tile of the search, so that the nearest is often in another. The reference is
  // single steps of the definition, which a sum over all merges shows: the merge costs h^2 / 2 add
  // up to the sum of squares about the mean.
  const Blobs blobs(3000, 6, 5, 4.0);
  const auto merges = dendrogram(blobs.features, Linkage::ward);
  double costs = 0, squares = 0;
  for (const Merge& merge : merges) costs += merge.height * merge.height / 2;
  for (std::int64_t d = 0; d < 6; ++d) {
    double sum = 0, square = 0;
    for (std::int64_t i = 0; i < 3000; ++i) {
      sum += blobs.features(i, d);
      square += std::pow(double(blobs.features(i, d)), 2);
    }
    squares += square - sum * sum / 3000;
  }
  EXPECT_NEAR(costs / squares, 1.0, 1e-10);
  // The first merge is the nearest pair of all rows.
  double least = std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < 3000; ++i)
    for (std::int64_t j = 0; j < i; ++j) {
      double square = 0;
      for (std::int64_t d = 0; d < 6; ++d)
        square += std::pow(double(blobs.features(i, d)) - double(blobs.features(j, d)), 2);
      least = std::min(least, square);
    }
  EXPECT_NEAR(merges.front().height, std::sqrt(least), 1e-12);
}

TEST(Agglomerative, FindsBlobs) {
  const Blobs blobs(1200, 8, 6, 8.0);
  for (const Linkage linkage : {Linkage::ward, Linkage::average, Linkage::complete}) {
    const Assignment found = Agglomerative({linkage}).fit(blobs.features, 6);
    EXPECT_EQ(accuracy(found.labels, blobs.truth), 1.0);
  }
}

TEST(Agglomerative, SingleLinkageFollowsAChain) {
  // A line of steps of 1 and a far heap: only single linkage keeps the line whole.
  Matrix<float> x(60, 2);
  for (std::int64_t i = 0; i < 50; ++i) x(i, 0) = static_cast<float>(i);
  for (std::int64_t i = 50; i < 60; ++i) {
    x(i, 0) = 25 + 0.1f * static_cast<float>(i - 50);
    x(i, 1) = 5;
  }
  const auto labels = Agglomerative({Linkage::single}).fit(x, 2).labels;
  for (std::int64_t i = 0; i < 60; ++i) EXPECT_EQ(labels[i], i < 50 ? 0 : 1);
}

TEST(Agglomerative, EqualRowsMergeFirstAtHeightZero) {
  Blobs blobs(100, 3, 3);
  for (std::int64_t i = 0; i < 60; ++i)
    std::copy_n(blobs.features.row(i % 20), 3, blobs.features.row(i));
  for (const Linkage linkage : kLinkages) {
    const auto merges = dendrogram(blobs.features, linkage);
    for (std::size_t m = 0; m < 40; ++m) EXPECT_EQ(merges[m].height, 0) << m;
    EXPECT_GT(merges[40].height, 0);
    EXPECT_NEAR(merges.back().height, plain_linkage(blobs.features, linkage).back().height, 1e-4);
    EXPECT_EQ(merges.back().size, 100);
  }
}

TEST(Agglomerative, ManyEqualDistancesEnd) {
  // A grid: all steps are 1, and single linkage has no other height.
  Matrix<float> x(40 * 25, 3);  // the third column is constant
  for (std::int64_t i = 0; i < x.rows(); ++i) {
    x(i, 0) = static_cast<float>(i % 40);
    x(i, 1) = static_cast<float>(i / 40);
    x(i, 2) = 7;
  }
  for (const Merge& merge : dendrogram(x, Linkage::single)) EXPECT_EQ(merge.height, 1);
  for (const Linkage linkage : kLinkages) {
    const auto merges = dendrogram(x, linkage);
    std::set<std::int64_t> used;
    for (std::size_t m = 0; m < merges.size(); ++m) {
      EXPECT_TRUE(used.insert(merges[m].a).second && used.insert(merges[m].b).second);
      EXPECT_LT(merges[m].b, 1000 + static_cast<std::int64_t>(m));
      EXPECT_GE(merges[m].height, m > 0 ? merges[m - 1].height : 0);
    }
  }
}

TEST(Agglomerative, CutsAtEveryCount) {
  const Matrix<float> x = on_a_line({0, 1, 5, 8, 30});
  const auto merges = dendrogram(x, Linkage::average);
  using Labels = std::vector<std::int32_t>;
  EXPECT_EQ(cut_dendrogram(merges, 1), (Labels{0, 0, 0, 0, 0}));
  EXPECT_EQ(cut_dendrogram(merges, 2), (Labels{0, 0, 0, 0, 1}));
  EXPECT_EQ(cut_dendrogram(merges, 3), (Labels{0, 0, 1, 1, 2}));
  EXPECT_EQ(cut_dendrogram(merges, 4), (Labels{0, 0, 1, 2, 3}));
  EXPECT_EQ(cut_dendrogram(merges, 5), (Labels{0, 1, 2, 3, 4}));
  EXPECT_CONTAINS(user_error_of([&] { cut_dendrogram(merges, 6); }), "allowed is 1 to 5");
  for (const Linkage linkage : kLinkages)
    EXPECT_EQ(Agglomerative({linkage}).fit(x, 5).labels, (Labels{0, 1, 2, 3, 4}));
}

TEST(Agglomerative, WritesTheTreeAsCsv) {
  EXPECT_EQ(dendrogram_csv(dendrogram(on_a_line({0, 1, 3.5}), Linkage::single)),
            "a,b,height,size\n0,1,1,2\n2,3,2.5,3\n");
}

TEST(Agglomerative, HugeAndTinyValues) {
  const Blobs blobs(80, 3, 3);
  const auto wanted = dendrogram(blobs.features, Linkage::ward);
  for (const float scale : {0x1p40f, 0x1p-90f}) {
    Matrix<float> x = blobs.features;
    for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] *= scale;
    const auto found = dendrogram(x, Linkage::ward);
    for (std::size_t m = 0; m < found.size(); ++m) {
      EXPECT_EQ(found[m].a, wanted[m].a);
      EXPECT_NEAR(found[m].height / scale, wanted[m].height, 1e-9);
    }
  }
}

TEST(Agglomerative, TheSameWhateverTheThreads) {
  const Blobs blobs(1500, 4, 5, 3.0);
  const int threads = thread_count();
  for (const Linkage linkage : kLinkages) {
    set_thread_count(1);
    const std::string one = dendrogram_csv(dendrogram(blobs.features, linkage));
    set_thread_count(3);
    EXPECT_EQ(dendrogram_csv(dendrogram(blobs.features, linkage)), one);
    set_thread_count(threads);
  }
}

TEST(Agglomerative, ManyMergesAtOnceDoNotMeet) {
  // Rounds of thousands of merges on several threads: the costs must still add up.
  const Blobs blobs(6000, 2, 4, 3.0);
  const int threads = thread_count();
  set_thread_count(1);
  const std::string one = dendrogram_csv(dendrogram(blobs.features, Linkage::ward));
  set_thread_count(4);
  EXPECT_TRUE(dendrogram_csv(dendrogram(blobs.features, Linkage::ward)) == one);
  set_thread_count(threads);
}

TEST(Agglomerative, PredictRepeatsTheFitAndSurvivesSaving) {
  Blobs blobs(300, 5, 4, 3.0);
  for (std::int64_t i = 0; i < 9; ++i)
    std::copy_n(blobs.features.row(0), 5, blobs.features.row(30 * i));
  const Blobs others(50, 5, 4, 3.0, 8);
  for (const Linkage linkage : kLinkages) {
    Agglomerative method({linkage});
    const Assignment fitted = method.fit(blobs.features, 4);
    Agglomerative loaded;
    loaded.load(method.save());
    EXPECT_EQ(dendrogram_csv(loaded.merges()), dendrogram_csv(method.merges()));
    for (const Agglomerative* model : {&method, &loaded}) {
      const Assignment again = model->predict(blobs.features);
      EXPECT_EQ(again.labels, fitted.labels);
      EXPECT_TRUE(std::equal(again.probabilities.data(),
                             again.probabilities.data() + again.probabilities.size(),
                             fitted.probabilities.data()));
    }
    EXPECT_EQ(loaded.predict(others.features).labels, method.predict(others.features).labels);
    EXPECT_EQ(argmax_rows(fitted.probabilities.view()), fitted.labels);
  }
}

TEST(Agglomerative, RefusesBadInputAndStops) {
  const Blobs blobs(40, 2, 2);
  EXPECT_CONTAINS(user_error_of([&] { Agglomerative().fit(blobs.features, 41); }), "41");
  EXPECT_CONTAINS(user_error_of([&] { Agglomerative().predict(blobs.features); }), "not trained");
  AgglomerativeParams params;
  EXPECT_CONTAINS(
      user_error_of([&] { AgglomerativeParams::fields().set(params, "linkage", "wards"); }),
      "ward | average | complete | single");
  CancelToken cancel;
  cancel.cancel();
  for (const Linkage linkage : kLinkages)
    EXPECT_THROW(Agglomerative({linkage}).fit(blobs.features, 2, {.cancel = &cancel}), Interrupted);
}

}  // namespace
}  // namespace coterie
