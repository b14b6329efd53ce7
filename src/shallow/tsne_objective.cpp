#include "coterie/shallow/tsne_objective.h"

#include <Eigen/Core>
#include <cmath>
#include <utility>

#include "coterie/core/parallel.h"

namespace coterie {
namespace {

constexpr int kLanes = Affinities::kLanes;
constexpr std::int64_t kBlock = 256;           // rows whose terms are added up at once
constexpr std::int64_t kRowsPerThread = 1024;  // at least: fewer do not pay a thread's start

/// y_i - y_j for kLanes entries of row i.
struct Steps {
  float x[kLanes], y[kLanes];

  Steps(MatrixView<const float> positions, std::int64_t i, const std::int32_t* columns) {
    const float x_i = positions(i, 0), y_i = positions(i, 1);
    for (int lane = 0; lane < kLanes; ++lane) {
      const float* other = positions.row(columns[lane]);
      x[lane] = x_i - other[0];
      y[lane] = y_i - other[1];
    }
  }
};

}  // namespace

TsneObjective::TsneObjective(Affinities affinities)
    : affinities_(std::move(affinities)),
      negative_entropy_(affinities_.negative_entropy()),
      repulsion_(affinities_.rows(), 2) {}

void TsneObjective::gradient(MatrixView<const float> positions, double exaggeration,
                             Matrix<float>& gradient) {
  total_ = field_.compute(positions, repulsion_);
  const auto attraction = static_cast<float>(4 * exaggeration);
  const auto repulsion = static_cast<float>(4 / total_);
  parallel_for(rows(), kRowsPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float x[kLanes] = {}, y[kLanes] = {};
      for (std::int64_t e = affinities_.offsets[i]; e < affinities_.offsets[i + 1]; e += kLanes) {
        const Steps step(positions, i, affinities_.columns.data() + e);
        const float* p = affinities_.values.data() + e;
        for (int lane = 0; lane < kLanes; ++lane) {
          const float pull =
              p[lane] / (1 + step.x[lane] * step.x[lane] + step.y[lane] * step.y[lane]);
          x[lane] += pull * step.x[lane];
          y[lane] += pull * step.y[lane];
        }
      }
      float sum_x = 0, sum_y = 0;
      for (int lane = 0; lane < kLanes; ++lane) {
        sum_x += x[lane];
        sum_y += y[lane];
      }
      gradient(i, 0) = attraction * sum_x - repulsion * repulsion_(i, 0);
      gradient(i, 1) = attraction * sum_y - repulsion * repulsion_(i, 1);
    }
  });
}

double TsneObjective::divergence(MatrixView<const float> positions) const {
  using Lanes = Eigen::Array<float, kLanes, 1>;
  std::vector<double> sums(static_cast<std::size_t>((rows() + kBlock - 1) / kBlock));
  parallel_for(
      static_cast<std::int64_t>(sums.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin * kBlock; i < std::min(end * kBlock, rows()); ++i) {
          Lanes row = Lanes::Zero();
          for (std::int64_t e = affinities_.offsets[i]; e < affinities_.offsets[i + 1];
               e += kLanes) {
            const Steps step(positions, i, affinities_.columns.data() + e);
            const Eigen::Map<const Lanes> x(step.x), y(step.y), p(affinities_.values.data() + e);
            row += p * (1 + x * x + y * y).log();
          }
          sums[i / kBlock] += row.sum();
        }
      });
  // log(p / q) = log p + log(1 + |y_i - y_j|^2) + log total, and the p sum to one.
  double divergence = negative_entropy_ + std::log(total_);
  for (const double sum : sums) divergence += sum;
  return divergence;
}

}  // namespace coterie
