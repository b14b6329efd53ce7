#include "coterie/methods/ae/ae.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>

#include "coterie/core/random.h"
#include "coterie/metrics/scores.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;

/// Images of three kinds in turn: a ring, a cross and a bar, each moved a little and noisy; in
/// colour every channel is dimmer than the one before.
struct Shapes {
  Shapes(std::int64_t count, ImageShape shape) {
    RandomStream random(4, "shapes");
    const double side = static_cast<double>(shape.height);
    for (std::int64_t i = 0; i < count; ++i) {
      truth.push_back(static_cast<std::int32_t>(i % 3));
      const double cx = side * (0.5 + 0.06 * (2 * random.uniform() - 1));
      const double cy = side * (0.5 + 0.06 * (2 * random.uniform() - 1));
      for (std::int64_t c = 0; c < shape.channels; ++c)
        for (std::int64_t y = 0; y < shape.height; ++y)
          for (std::int64_t x = 0; x < shape.width; ++x) {
            const double dx = (static_cast<double>(x) - cx) / side;
            const double dy = (static_cast<double>(y) - cy) / side;
            const double radius = std::hypot(dx, dy);
            const bool lit = i % 3 == 0   ? radius > 0.22 && radius < 0.36
                             : i % 3 == 1 ? std::min(std::abs(dx), std::abs(dy)) < 0.07
                                          : std::abs(dy) < 0.2 && std::abs(dx) < 0.45;
            pixels.push_back(static_cast<std::uint8_t>((lit ? 190 : 10) / (c + 1) +
                                                       static_cast<int>(random.below(40))));
          }
    }
    data = {.count = count, .pixels = pixels.data(), .shape = shape, .features = {}};
  }
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> truth;
  TrainingData data;
};

using AeOptions = std::vector<std::pair<std::string, std::string>>;

std::unique_ptr<Method> ae(const AeOptions& settings = {}) {
  auto method = make_ae();
  method->set_parameter("epochs", "8");
  method->set_parameter("batch_size", "16");
  for (const auto& [name, value] : settings) method->set_parameter(name, value);
  return method;
}

FitContext context(std::uint64_t seed = 2) {
  FitContext result;
  result.clusters = 3;
  result.seed = seed;
  return result;
}

bool same(const Matrix<float>& a, const Matrix<float>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::equal(a.data(), a.data() + a.size(), b.data());
}

bool same(const Clustering& a, const Clustering& b) {
  return a.labels == b.labels && same(a.probabilities, b.probabilities) &&
         same(a.embeddings, b.embeddings);
}

class AeSettings : public ::testing::TestWithParam<AeOptions> {};

TEST_P(AeSettings, PredictSavedAndLoadedEqualsTheFit) {
  const Shapes shapes(45, {1, 28, 28});
  auto method = ae(GetParam());
  const Clustering fitted = method->fit(shapes.data, context());
  EXPECT_TRUE(same(method->predict(shapes.data, context()), fitted));
  // The stored model knows its own parameters.
  auto loaded = make_ae();
  loaded->load(method->save());
  EXPECT_EQ(loaded->parameter_values(), method->parameter_values());
  EXPECT_TRUE(same(loaded->predict(shapes.data, context()), fitted));
}

INSTANTIATE_TEST_SUITE_P(
    Choices, AeSettings,
    ::testing::Values(AeOptions{}, AeOptions{{"cluster", "kmeans"}},
                      AeOptions{{"cluster", "spectral"}},
                      AeOptions{{"cluster", "spectral"}, {"distance", "sqeuclidean"}},
                      AeOptions{{"cluster", "kmeans"}, {"distance", "sqeuclidean"}},
                      AeOptions{{"embedding", "plain"}, {"distance", "sqeuclidean"}},
                      AeOptions{{"bottleneck", "0"}, {"reconstruction", "sum"}},
                      AeOptions{{"rotate", "0"},
                                {"shift", "0"},
                                {"scale", "0"},
                                {"shear", "0"},
                                {"schedule", "constant"},
                                {"weight_decay", "0.001"}}));

TEST(Ae, FindsSimpleShapesOfEverySizeAndColour) {
  // 20 x 24 is stretched to the network for 28; 40 x 40 goes to the one for 32.
  for (const ImageShape shape : {ImageShape{1, 28, 28}, ImageShape{3, 32, 32},
                                 ImageShape{1, 20, 24}, ImageShape{3, 40, 40}}) {
    const Shapes shapes(120, shape);
    auto method = ae({{"epochs", "25"}});
    const Clustering found = method->fit(shapes.data, context());
    EXPECT_EQ(accuracy(found.labels, shapes.truth), 1.0)
        << shape.channels << " x " << shape.height << " x " << shape.width;
    EXPECT_EQ(found.embeddings.cols(), 16);
  }
}

TEST(Ae, RunsOnLargeImages) {
  const Shapes shapes(24, {3, 96, 96});
  auto method = ae({{"epochs", "1"}, {"bottleneck", "0"}, {"embedding", "plain"}});
  const Clustering found = method->fit(shapes.data, context());
  EXPECT_EQ(found.embeddings.cols(), 256);
  EXPECT_EQ(found.labels.size(), 24u);
}

TEST(Ae, SeedsDecide) {
  const Shapes shapes(45, {1, 28, 28});
  const Clustering first = ae()->fit(shapes.data, context(2));
  EXPECT_TRUE(same(ae()->fit(shapes.data, context(2)), first));
  EXPECT_FALSE(same(ae()->fit(shapes.data, context(3)).embeddings, first.embeddings));
}

TEST(Ae, WhitenedEmbeddingsHaveUnitCovariance) {
  const Shapes shapes(60, {1, 28, 28});
  const Matrix<float> rows = ae()->fit(shapes.data, context()).embeddings;
  for (std::int64_t a = 0; a < rows.cols(); ++a)
    for (std::int64_t b = 0; b <= a; ++b) {
      double sum = 0;
      for (std::int64_t i = 0; i < rows.rows(); ++i) sum += rows(i, a) * rows(i, b);
      EXPECT_NEAR(sum / 60, a == b ? 1 : 0, 1e-3);
    }
}

TEST(Ae, AnImageAloneGetsTheLabelThatItHasAmongOthers) {
  const Shapes shapes(45, {1, 28, 28});
  auto method = ae();
  const Clustering fitted = method->fit(shapes.data, context());
  TrainingData one = shapes.data;
  one.count = 1;
  one.pixels += 7 * one.shape.pixels();
  const Clustering alone = method->predict(one, context());
  EXPECT_EQ(alone.labels[0], fitted.labels[7]);
  for (int k = 0; k < 3; ++k)
    EXPECT_NEAR(alone.probabilities(0, k), fitted.probabilities(7, k), 1e-4);
}

/// Cancels after a number of training steps.
class CancelAt : public Progress {
 public:
  CancelAt(int step, CancelToken& token) : left_(step), token_(token) {}
  void update(std::int64_t, std::string_view) override {
    if (--left_ == 0) token_.cancel();
  }

 private:
  std::atomic<int> left_;  // PAC reports from several threads
  CancelToken& token_;
};

TEST(Ae, ResumedInTheMiddleOfAnEpochEqualsUninterrupted) {
  const Shapes shapes(45, {1, 28, 28});  // Three steps an epoch.
  const Clustering expected = ae()->fit(shapes.data, context());
  for (const int step : {4, 24, 25}) {  // 25: while images are embedded.
    TemporaryFolder folder;
    CancelToken token;
    CancelAt progress(step, token);
    FitContext stopped = context();
    stopped.checkpoints = folder / "checkpoints";
    stopped.progress = &progress;
    stopped.cancel = &token;
    EXPECT_THROW(ae()->fit(shapes.data, stopped), Interrupted) << step;
    FitContext resumed = context();
    resumed.checkpoints = folder / "checkpoints";
    EXPECT_TRUE(same(ae()->fit(shapes.data, resumed), expected)) << step;
  }
}

TEST(Ae, ACheckpointOfOtherParametersIsRefused) {
  const Shapes shapes(45, {1, 28, 28});
  TemporaryFolder folder;
  FitContext kept = context();
  kept.checkpoints = folder / "checkpoints";
  ae()->fit(shapes.data, kept);
  EXPECT_CONTAINS(user_error_of([&] {
                    ae({{"bottleneck", "5"}})->fit(shapes.data, kept);
                  }),
                  "bottleneck was \"16\", now it is \"5\"");
  kept.seed = 9;
  EXPECT_CONTAINS(user_error_of([&] { ae()->fit(shapes.data, kept); }), "seed was 2, now it is 9");
}

TEST(Ae, RecordsEpochsAndKeepsToATimeBudget) {
  const Shapes shapes(240, {1, 28, 28});
  FitContext hurried = context();
  hurried.time_budget = 1e-6;
  std::vector<nlohmann::json> lines;
  hurried.record = [&](const nlohmann::json& line) { lines.push_back(line); };
  auto method = ae({{"batch_size", "8"}});
  method->fit(shapes.data, hurried);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["stage"], "reconstruction");
  EXPECT_EQ(lines[0]["epoch"], 1);
  EXPECT_GT(lines[0]["losses"]["reconstruction"].get<double>(), 0);
  const auto statistics = method->statistics();
  EXPECT_EQ(statistics["epochs"], 1);
  EXPECT_TRUE(statistics.contains("objective"));
}

TEST(Ae, RefusesWhatItCannotUse) {
  const Shapes shapes(6, {1, 28, 28});
  TrainingData rows;
  Matrix<float> features(5, 4);
  rows.count = 5;
  rows.features = features;
  EXPECT_CONTAINS(user_error_of([&] { ae()->fit(rows, context()); }),
                  "takes images, the input holds feature rows");
  TrainingData four = shapes.data;
  four.shape = {4, 14, 14};
  EXPECT_CONTAINS(user_error_of([&] { ae()->fit(four, context()); }), "images of 4 channels");
  FitContext many = context();
  many.clusters = 7;
  EXPECT_CONTAINS(user_error_of([&] { ae()->fit(shapes.data, many); }),
                  "-k = 7 is out of range: allowed is 2 to 6");
  auto trained = ae();
  trained->fit(shapes.data, context());
  TrainingData other = shapes.data;
  other.shape = {1, 14, 56};
  EXPECT_CONTAINS(
      user_error_of([&] { trained->predict(other, context()); }),
      "are 1 x 14 x 56 (channels, height, width), the model was trained on 1 x 28 x 28");
  EXPECT_CONTAINS(user_error_of([] { make_ae()->set_parameter("epochs", "0"); }),
                  "epochs = 0 is out of range");
}

TEST(Ae, RefusesADamagedModel) {
  const Shapes shapes(6, {1, 28, 28});
  auto trained = ae({{"epochs", "1"}});
  trained->fit(shapes.data, context());
  const StoredModel sound = trained->save();
  StoredModel model = sound;
  model.tensors.erase("autoencoder/to_code.bias");
  EXPECT_CONTAINS(user_error_of([&] { make_ae()->load(model); }),
                  "autoencoder/to_code.bias is missing");
  model = sound;
  model.tensors.erase("mean");
  EXPECT_CONTAINS(user_error_of([&] { make_ae()->load(model); }), "no tensor 'mean'");
  model = sound;
  model.tensors.erase("whitening/map");
  EXPECT_CONTAINS(user_error_of([&] { make_ae()->load(model); }), "map");
  model = sound;
  model.meta.erase("shape");
  EXPECT_CONTAINS(user_error_of([&] { make_ae()->load(model); }), "description is damaged");
  model = sound;
  model.meta["version"] = 2;
  EXPECT_CONTAINS(user_error_of([&] { make_ae()->load(model); }), "version 2");
  make_ae()->load(sound);
}

}  // namespace
}  // namespace coterie
