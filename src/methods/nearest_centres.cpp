#include "coterie/methods/nearest_centres.h"

#include <cstring>

#include "coterie/loss/distributions.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {

NearestCentres::NearestCentres(std::int64_t clusters, std::int64_t width)
    : centres_(register_buffer("centres", torch::zeros({clusters, width}))) {}

void NearestCentres::fit(const Matrix<float>& rows, const FitContext& context) {
  KMeans kmeans;
  kmeans.fit(rows, centres_.size(0), {.seed = context.seed, .cancel = context.cancel});
  const Matrix<double> centres = kmeans.centres();
  auto values = torch::empty({centres.rows(), centres.cols()}, torch::kDouble);
  std::memcpy(values.data_ptr(), centres.data(), values.nbytes());
  torch::NoGradGuard no_grad;
  centres_.copy_(values);
}

torch::Tensor NearestCentres::probabilities(const torch::Tensor& rows) const {
  return student_t_assignment(rows, centres_);
}

}  // namespace coterie
