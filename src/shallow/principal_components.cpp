#include "coterie/shallow/principal_components.h"

#include <Eigen/Dense>
#include <algorithm>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/row_blocks.h"

namespace coterie {
namespace {

using RowMajorF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MapF = Eigen::Map<RowMajorF>;
using ConstMapF = Eigen::Map<const RowMajorF>;

constexpr std::int64_t kSpare = 10;  // directions beyond the wanted ones
constexpr int kPowers = 8;
constexpr std::int64_t kParts = 8;  // of the rows, each with its own sum: their order is fixed

/// sum_i x_i (x_i . b) / N for each of the directions b, the columns of `block` [D, B].
Eigen::MatrixXd times_covariance(const PreparedRows& rows, const RowMajorF& block,
                                 const ShallowContext& context) {
  const std::int64_t step = row_block(rows.cols());
  std::vector<Eigen::MatrixXd> sums(kParts);
  parallel_for(kParts, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> x(step, rows.cols());
    RowMajorF along, product;
    for (std::int64_t part = begin; part < end; ++part) {
      sums[part] = Eigen::MatrixXd::Zero(rows.cols(), block.cols());
      const Share share = share_of(rows.rows(), static_cast<int>(part), kParts);
      for (std::int64_t first = share.begin; first < share.end; first += step) {
        context.check_cancelled();
        const std::int64_t count = std::min(step, share.end - first);
        for (std::int64_t i = 0; i < count; ++i) rows.load(first + i, x.row(i));
        const ConstMapF values(x.data(), count, rows.cols());
        along.noalias() = values * block;
        product.noalias() = values.transpose() * along;
        sums[part] += product.cast<double>();
      }
    }
  });
  for (std::int64_t part = 1; part < kParts; ++part) sums[0] += sums[part];
  return sums[0] / static_cast<double>(rows.rows());
}

Eigen::MatrixXd orthonormal(const Eigen::MatrixXd& block) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> factors(block);
  return factors.householderQ() * Eigen::MatrixXd::Identity(block.rows(), block.cols());
}

}  // namespace

void PrincipalComponents::fit(ConstFeatures features, std::int64_t count,
                              const ShallowContext& context) {
  check_features(features);
  const PreparedRows rows(features, PreparedRows::mean_of(features, false), false);
  const std::int64_t columns = rows.cols(), kept = std::min(count, columns);
  const std::int64_t width = std::min(columns, kept + kSpare);
  Eigen::MatrixXd basis = Eigen::MatrixXd::Identity(columns, width), product;
  if (width < columns) {
    RandomStream random(0, "principal components");
    for (Eigen::Index i = 0; i < basis.size(); ++i) basis.data()[i] = random.normal();
  }
  // Where the block spans all columns, the first product is the covariance itself.
  const int powers = width < columns ? kPowers : 1;
  for (int power = 0; power < powers; ++power) {
    basis = orthonormal(power == 0 ? basis : product);
    product = times_covariance(rows, basis.cast<float>(), context);
  }
  const Eigen::MatrixXd small = basis.transpose() * product;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver((small + small.transpose()) / 2);
  mean_ = rows.mean();
  variances_.clear();
  directions_ = Matrix<float>(columns, kept);
  for (std::int64_t k = 0; k < kept; ++k) {
    const std::int64_t at = width - 1 - k;
    variances_.push_back(std::max(0.0, solver.eigenvalues()(at)));
    Eigen::VectorXd direction = basis * solver.eigenvectors().col(at);
    // An eigenvector's sign is free; this one does not hang on the solver.
    Eigen::Index widest = 0;
    direction.cwiseAbs().maxCoeff(&widest);
    if (direction(widest) < 0) direction = -direction;
    for (std::int64_t d = 0; d < columns; ++d) directions_(d, k) = static_cast<float>(direction(d));
  }
}

Matrix<float> PrincipalComponents::apply(ConstFeatures features) const {
  check_width(directions_.rows(), features.cols);
  const PreparedRows rows(features, mean_, false);
  const std::int64_t kept = directions_.cols(), step = row_block(rows.cols());
  Matrix<float> out(rows.rows(), kept);
  const ConstMapF directions(directions_.data(), directions_.rows(), kept);
  parallel_for((rows.rows() + step - 1) / step, 1, [&](std::int64_t begin, std::int64_t end) {
    Matrix<float> x(step, rows.cols());
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * step, count = std::min(step, rows.rows() - first);
      for (std::int64_t i = 0; i < count; ++i) rows.load(first + i, x.row(i));
      MapF(out.row(first), count, kept).noalias() =
          ConstMapF(x.data(), count, rows.cols()) * directions;
    }
  });
  return out;
}

double largest_variance_share(const PreparedRows& rows) {
  // With few rows a column, chance alone gives a direction several times its share.
  constexpr std::int64_t kFewest = 1000, kRowsPerColumn = 8, kMostValues = 4'000'000;
  const std::int64_t columns = rows.cols();
  const std::int64_t count = std::min(
      rows.rows(), std::max(kFewest, std::min(kRowsPerColumn * columns, kMostValues / columns)));
  Matrix<float> sample(count, columns);
  double total = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    rows.load(share_of(rows.rows(), static_cast<int>(i), static_cast<int>(count)).begin,
              sample.row(i));
    total += squared_length(sample.row(i), columns);
  }
  if (!(total > 0)) return 0;
  PrincipalComponents components;
  components.fit(sample, 1);
  return components.variances()[0] * static_cast<double>(count) / total;
}

}  // namespace coterie
