#include "coterie/methods/nearest_centres.h"

#include <cstring>

#include "coterie/loss/distributions.h"
#include "coterie/metrics/assignment.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {

NearestCentres::NearestCentres(std::int64_t clusters, std::int64_t width)
    : centres_(register_buffer("centres", torch::zeros({clusters, width}))) {}

void NearestCentres::fit(const Matrix<float>& rows, const FitContext& context,
                         const std::vector<std::int32_t>& labels) {
  const std::int64_t clusters = centres_.size(0);
  KMeans kmeans;
  const Assignment found =
      kmeans.fit(rows, clusters, {.seed = context.seed, .cancel = context.cancel});
  const Matrix<double> centres = kmeans.centres();
  auto values = torch::empty({centres.rows(), centres.cols()}, torch::kDouble);
  std::memcpy(values.data_ptr(), centres.data(), values.nbytes());
  torch::NoGradGuard no_grad;
  if (labels.empty()) {
    centres_.copy_(values);
    return;
  }
  const auto numbers = torch::tensor(matched_clusters(labels, found.labels, clusters));
  centres_.index_copy_(0, numbers.to(centres_.device()), values.to(centres_.options()));
}

void NearestCentres::forget() {
  torch::NoGradGuard no_grad;
  centres_.zero_();
}

void NearestCentres::take_corners() {
  torch::NoGradGuard no_grad;
  centres_.copy_(torch::eye(centres_.size(0), centres_.size(1)));
}

torch::Tensor NearestCentres::probabilities(const torch::Tensor& rows) const {
  return student_t_assignment(rows, centres_);
}

}  // namespace coterie
