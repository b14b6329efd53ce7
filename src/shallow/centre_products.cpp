#include "coterie/shallow/centre_products.h"

#include <Eigen/Core>
#include <algorithm>

#include "coterie/shallow/rows.h"

namespace coterie {

CentreProducts::CentreProducts(const Matrix<double>& centres)
    : values_(centres.rows(), centres.cols()), squares_(static_cast<std::size_t>(centres.rows())) {
  for (std::int64_t i = 0; i < centres.size(); ++i)
    values_.data()[i] = static_cast<float>(centres.data()[i]);
  for (std::int64_t k = 0; k < centres.rows(); ++k)
    squares_[k] = static_cast<float>(squared_length(centres.row(k), centres.cols()));
}

void CentreProducts::relative_distances(const float* x, std::int64_t count, float* out) const {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const std::int64_t columns = values_.cols();
  Eigen::Map<RowMajor> distances(out, count, clusters());
  distances.noalias() = Eigen::Map<const RowMajor>(x, count, columns) *
                        Eigen::Map<const RowMajor>(values_.data(), clusters(), columns).transpose();
  const Eigen::Map<const Eigen::RowVectorXf> squares(squares_.data(), clusters());
  distances = (-2.0f * distances).rowwise() + squares;
}

float CentreProducts::largest_square() const {
  return *std::max_element(squares_.begin(), squares_.end());
}

}  // namespace coterie
