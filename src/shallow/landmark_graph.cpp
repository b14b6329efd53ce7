#include "coterie/shallow/landmark_graph.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/rows.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;

/// Each row's nearest landmarks and what it lends to each.
struct Membership {
  Matrix<std::int32_t> landmarks;  // [N, neighbours]
  Matrix<double> weights;          // [N, neighbours]
};

Matrix<double> choose_landmarks(ConstFeatures features, std::int64_t count,
                                const ShallowContext& context) {
  constexpr std::int64_t kRowsPerLandmark = 20;
  std::vector<std::int64_t> order(static_cast<std::size_t>(features.rows));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  RandomStream(context.seed, "landmarks").shuffle(std::span(order));
  Matrix<float> sample(std::min(features.rows, kRowsPerLandmark * count), features.cols);
  for (std::int64_t i = 0; i < sample.rows(); ++i)
    std::copy_n(features.row(order[i]), features.cols, sample.row(i));
  KMeans kmeans({.restarts = 1, .max_iterations = 10});
  kmeans.fit(sample, count, context);
  return kmeans.centres();
}

/// Squared distances of each row to its nearest landmarks, as the weights of a Membership.
Membership nearest_landmarks(ConstFeatures features, const Matrix<double>& landmarks,
                             std::int64_t neighbours, const ShallowContext& context) {
  const std::int64_t block_rows = row_block(features.cols);
  const PreparedRows rows(features, PreparedRows::mean_of(features, false), false);
  const std::int64_t count = landmarks.rows(), columns = features.cols;
  Matrix<float> centres(count, columns);
  std::vector<float> squares(static_cast<std::size_t>(count));
  for (std::int64_t k = 0; k < count; ++k) {
    for (std::int64_t d = 0; d < columns; ++d)
      centres(k, d) = static_cast<float>(landmarks(k, d) - rows.mean()[d]);
    squares[k] = static_cast<float>(squared_length(centres.row(k), columns));
  }
  Membership found{Matrix<std::int32_t>(features.rows, neighbours),
                   Matrix<double>(features.rows, neighbours)};
  const std::int64_t blocks = (features.rows + block_rows - 1) / block_rows;
  parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> x(block_rows, columns), products(block_rows, count);
    std::vector<std::pair<float, std::int32_t>> distances(static_cast<std::size_t>(count));
    for (std::int64_t block = begin; block < end; ++block) {
      context.check_cancelled();
      const std::int64_t first = block * block_rows,
                         size = std::min(block_rows, features.rows - first);
      for (std::int64_t b = 0; b < size; ++b) rows.load(first + b, x.row(b));
      MapF(products.data(), size, count).noalias() =
          ConstMapF(x.data(), size, columns) *
          ConstMapF(centres.data(), count, columns).transpose();
      for (std::int64_t b = 0; b < size; ++b) {
        const auto square = static_cast<float>(squared_length(x.row(b), columns));
        for (std::int64_t k = 0; k < count; ++k)
          distances[k] = {std::max(0.0f, square + squares[k] - 2 * products(b, k)),
                          static_cast<std::int32_t>(k)};
        std::partial_sort(distances.begin(), distances.begin() + neighbours, distances.end());
        for (std::int64_t c = 0; c < neighbours; ++c) {
          found.weights(first + b, c) = distances[c].first;
          found.landmarks(first + b, c) = distances[c].second;
        }
      }
    }
  });
  return found;
}

/// From squared distances to Z', in place.
void spread(Membership& membership, std::int64_t landmarks) {
  Matrix<double>& z = membership.weights;
  const double mean =
      std::accumulate(z.data(), z.data() + z.size(), 0.0) / static_cast<double>(z.size());
  const double factor = mean > 0 ? -0.5 / mean : 0.0;
  std::vector<double> sums(static_cast<std::size_t>(landmarks));
  for (std::int64_t i = 0; i < z.rows(); ++i) {
    const double nearest = z(i, 0);  // taken off first, so that far rows keep a sum above 0
    double total = 0;
    for (std::int64_t c = 0; c < z.cols(); ++c)
      total += z(i, c) = std::exp(factor * (z(i, c) - nearest));
    for (std::int64_t c = 0; c < z.cols(); ++c)
      sums[membership.landmarks(i, c)] += z(i, c) /= total;
  }
  for (std::int64_t i = 0; i < z.rows(); ++i)
    for (std::int64_t c = 0; c < z.cols(); ++c)
      z(i, c) /= std::sqrt(sums[membership.landmarks(i, c)]);
}

/// Z'^T Z', summed by fixed shares of the rows.
Eigen::MatrixXd gram(const Membership& membership, std::int64_t landmarks) {
  const Matrix<double>& z = membership.weights;
  const int threads =
      static_cast<int>(std::clamp<std::int64_t>(z.size() / 100'000, 1, thread_count()));
  std::vector<Eigen::MatrixXd> parts(static_cast<std::size_t>(threads));
  Team::run(threads, [&](int rank, Team&) {
    Eigen::MatrixXd& sum = parts[rank];
    sum.setZero(landmarks, landmarks);
    const Share share = share_of(z.rows(), rank, threads);
    for (std::int64_t i = share.begin; i < share.end; ++i)
      for (std::int64_t a = 0; a < z.cols(); ++a)
        for (std::int64_t b = 0; b < z.cols(); ++b)
          sum(membership.landmarks(i, a), membership.landmarks(i, b)) += z(i, a) * z(i, b);
  });
  for (int rank = 1; rank < threads; ++rank) parts[0] += parts[rank];
  return std::move(parts[0]);
}

}  // namespace

GraphEigenvectors landmark_eigenvectors(ConstFeatures features, const LandmarkOptions& options,
                                        std::int64_t count, const ShallowContext& context) {
  count = std::min(count, options.landmarks);
  Membership membership =
      nearest_landmarks(features, choose_landmarks(features, options.landmarks, context),
                        options.neighbours, context);
  spread(membership, options.landmarks);
  context.check_cancelled();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram(membership, options.landmarks));
  // The largest come last. A vector whose value is nothing but rounding has no left partner.
  const auto values = solver.eigenvalues().reverse();
  Eigen::MatrixXd right = solver.eigenvectors().rowwise().reverse().leftCols(count);
  GraphEigenvectors result;
  for (std::int64_t c = 0; c < count; ++c) {
    result.eigenvalues.push_back(std::clamp(1.0 - values[c], 0.0, 1.0));
    right.col(c) *= values[c] > 1e-12 ? 1.0 / std::sqrt(values[c]) : 0.0;
  }
  result.vectors = Matrix<double>(features.rows, count);
  parallel_for(features.rows, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t a = 0; a < options.neighbours; ++a)
        for (std::int64_t c = 0; c < count; ++c)
          result.vectors(i, c) += membership.weights(i, a) * right(membership.landmarks(i, a), c);
  });
  return result;
}

}  // namespace coterie
