#include "coterie/shallow/whitening.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/shallow/assignment.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRows =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

constexpr std::int64_t kBlock = 1024;       // rows turned to double at a time
constexpr double kSmallestVariance = 1e-6;  // of the largest

}  // namespace

void Whitening::fit(ConstFeatures rows, double share) {
  const std::int64_t n = rows.rows;
  const std::int64_t d = rows.cols;
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(d);
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const auto part = rows.slice(begin, std::min(n, begin + kBlock));
    mean += FloatRows(part.data, part.rows, d).cast<double>().colwise().sum().transpose();
  }
  mean /= static_cast<double>(n);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(d, d);
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const auto part = rows.slice(begin, std::min(n, begin + kBlock));
    const RowMajor centred =
        FloatRows(part.data, part.rows, d).cast<double>().rowwise() - mean.transpose();
    covariance.noalias() += centred.transpose() * centred;
  }
  covariance /= static_cast<double>(n);

  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  const double largest = solver.eigenvalues()(d - 1);
  if (!(largest > 0))
    throw UserError("whitening needs rows that differ: all {} rows of {} values are equal", n, d);
  const double wanted = share * solver.eigenvalues().sum();
  double held = 0;
  std::int64_t kept = 0;
  while (kept < d && solver.eigenvalues()(d - 1 - kept) > kSmallestVariance * largest &&
         (share >= 1 || held < wanted))
    held += solver.eigenvalues()(d - 1 - kept++);
  mean_ = Matrix<double>(1, d);
  map_ = Matrix<double>(d, kept);
  for (std::int64_t i = 0; i < d; ++i) mean_(0, i) = mean(i);
  for (std::int64_t k = 0; k < kept; ++k) {
    const auto vector = solver.eigenvectors().col(d - 1 - k);
    // An eigenvector's sign is free; this one does not hang on the solver.
    Eigen::Index widest = 0;
    vector.cwiseAbs().maxCoeff(&widest);
    const double scale =
        (vector(widest) < 0 ? -1.0 : 1.0) / std::sqrt(solver.eigenvalues()(d - 1 - k));
    for (std::int64_t i = 0; i < d; ++i) map_(i, k) = scale * vector(i);
  }
}

Matrix<float> Whitening::apply(ConstFeatures rows) const {
  check_width(map_.rows(), rows.cols);
  const std::int64_t d = map_.rows();
  const std::int64_t e = map_.cols();
  Matrix<float> out(rows.rows, e);
  // Row by row, so that a row's result does not depend on its neighbours.
  parallel_for(rows.rows, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(e);
    for (std::int64_t i = begin; i < end; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::int64_t j = 0; j < d; ++j) {
        const double value = rows(i, j) - mean_(0, j);
        const double* weights = map_.row(j);
        for (std::int64_t k = 0; k < e; ++k) sums[k] += value * weights[k];
      }
      for (std::int64_t k = 0; k < e; ++k) out(i, k) = static_cast<float>(sums[k]);
    }
  });
  return out;
}

TensorMap Whitening::save() const {
  return {{"mean", make_tensor(mean_)}, {"map", make_tensor(map_)}};
}

void Whitening::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "whitening");
  mean_ = stored.matrix("mean");
  map_ = stored.matrix("map");
  if (mean_.rows() != 1 || mean_.cols() != map_.rows())
    throw UserError("the stored whitening model does not fit together; train it again");
}

}  // namespace coterie
