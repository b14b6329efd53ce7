#include "coterie/shallow/tsne.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/principal_components.h"
#include "coterie/shallow/tsne_objective.h"

namespace coterie {
namespace {

constexpr double kStartDeviation = 1e-4;
constexpr double kNoise = 0.01;  // of the deviation
constexpr double kLeastLearningRate = 50;
constexpr double kFirstMomentum = 0.5, kFinalMomentum = 0.8;
constexpr float kLongestStep = 5;  // along a coordinate; few rows would fly away under exaggeration
constexpr float kGainRise = 0.2f, kGainFall = 0.8f, kLeastGain = 0.01f;
constexpr int kIterationsPerStep = 50;  // from one figure of the divergence to the next
constexpr std::int64_t kBlock = 4096;   // rows

/// Two principal components with a deviation of kStartDeviation along the first, and noise.
Matrix<float> start_positions(ConstFeatures rows, const ShallowContext& context) {
  PrincipalComponents components;
  components.fit(rows, 2, context);
  const Matrix<float> along = components.apply(rows);
  const double deviation = std::sqrt(components.variances()[0]);
  const double scale = deviation > 0 ? kStartDeviation / deviation : 0;
  Matrix<float> positions(rows.rows, 2);
  RandomStream random(context.seed, "t-SNE start");
  for (std::int64_t i = 0; i < rows.rows; ++i)
    for (std::int64_t d = 0; d < 2; ++d)
      positions(i, d) = static_cast<float>((d < along.cols() ? scale * along(i, d) : 0) +
                                           kNoise * kStartDeviation * random.normal());
  return positions;
}

void centre(Matrix<float>& positions) {
  double sum[2] = {};
  for (std::int64_t i = 0; i < positions.rows(); ++i)
    for (int d = 0; d < 2; ++d) sum[d] += positions(i, d);
  for (double& total : sum) total /= static_cast<double>(positions.rows());
  for (std::int64_t i = 0; i < positions.rows(); ++i)
    for (int d = 0; d < 2; ++d) positions(i, d) -= static_cast<float>(sum[d]);
}

/// Gradient descent with momentum, and a gain for each coordinate that grows while it keeps its
/// direction (Jacobs 1988).
class Descent {
 public:
  explicit Descent(std::int64_t rows) : velocity_(rows, 2), gains_(rows, 2) { gains_.fill(1); }

  void move(Matrix<float>& positions, const Matrix<float>& gradient, float learning_rate,
            float momentum) {
    float *y = positions.data(), *v = velocity_.data(), *gain = gains_.data();
    const float* g = gradient.data();
    parallel_for(positions.size(), kBlock, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        // The velocity points against the gradients before.
        const bool onward = v[i] * g[i] < 0;
        gain[i] = std::max(onward ? gain[i] + kGainRise : gain[i] * kGainFall, kLeastGain);
        v[i] = std::clamp(momentum * v[i] - learning_rate * gain[i] * g[i], -kLongestStep,
                          kLongestStep);
        y[i] += v[i];
      }
    });
    centre(positions);
  }

 private:
  Matrix<float> velocity_, gains_;
};

}  // namespace

const Fields<TsneParams>& TsneParams::fields() {
  static const Fields<TsneParams> fields =
      Fields<TsneParams>()
          .number("perplexity", &TsneParams::perplexity, at_least(1),
                  "how many neighbours a row effectively has; less than a third of the rows")
          .number("iterations", &TsneParams::iterations, between(1, 1'000'000),
                  "of the gradient descent")
          .number("exaggeration_iterations", &TsneParams::exaggeration_iterations,
                  between(0, 1'000'000), "the first of them, with stronger attraction")
          .number("exaggeration", &TsneParams::exaggeration, at_least(1),
                  "how much stronger the attraction is in them")
          .number("learning_rate", &TsneParams::learning_rate, at_least(0),
                  "step size; 0: N / (4 exaggeration), and 50 at least");
  return fields;
}

void TsneParams::validate() const {
  fields().validate(*this);
  if (exaggeration_iterations > iterations)
    throw UserError(
        "exaggeration_iterations = {} are more than iterations = {}: allowed is 0 to {}",
        exaggeration_iterations, iterations, iterations);
}

Tsne::Tsne(TsneParams params) : params_(params) { params_.validate(); }

Matrix<float> Tsne::fit(ConstFeatures rows, const ShallowContext& context) {
  steps_.clear();
  TsneObjective objective(affinities_of_rows(rows, params_.perplexity, context));
  Matrix<float> positions = start_positions(rows, context);
  Matrix<float> gradient(rows.rows, 2);
  Descent descent(rows.rows);
  const double learning_rate =
      params_.learning_rate > 0
          ? params_.learning_rate
          : std::max(static_cast<double>(rows.rows) / (4 * params_.exaggeration),
                     kLeastLearningRate);
  if (context.progress) context.progress->begin("layout", params_.iterations);
  std::string detail;
  for (int iteration = 0;; ++iteration) {
    context.check_cancelled();
    const bool early = iteration < params_.exaggeration_iterations;
    objective.gradient(positions, early ? params_.exaggeration : 1, gradient);
    const bool last = iteration == params_.iterations;
    if (last || (iteration > 0 && iteration % kIterationsPerStep == 0)) {
      steps_.push_back({iteration, objective.divergence(positions)});
      detail = fmt::format("KL {:.4f}", steps_.back().divergence);
    }
    if (context.progress) context.progress->update(iteration, detail);
    if (last) break;
    descent.move(positions, gradient, static_cast<float>(learning_rate),
                 static_cast<float>(early ? kFirstMomentum : kFinalMomentum));
  }
  if (context.progress) context.progress->end();
  return positions;
}

}  // namespace coterie
