#include "coterie/run/predict.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coterie/run/cluster.h"
#include "run/made_run.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class Predict : public ::testing::Test {
 protected:
  /// Two groups on a line: 0, 1, ... 9 and 100, ... 104.
  void SetUp() override {
    std::string csv = "x\n";
    for (int i = 0; i < 10; ++i) csv += std::to_string(i) + "\n";
    for (int i = 100; i < 105; ++i) csv += std::to_string(i) + "\n";
    write_bytes(folder_ / "line.csv", csv);
    ClusterRequest request;
    request.settings.input = (folder_ / "line.csv").native();
    request.settings.method = "kmeans";
    request.settings.clusters = 2;
    request.out = folder_ / "run";
    run_clustering(request, progress_, cancel_);
  }

  std::vector<Prediction> predict(const Predictor& predictor, const std::vector<float>& rows) {
    const auto count = static_cast<std::int64_t>(rows.size());
    return predictor.predict({.count = count, .features = {rows.data(), count, 1}}, progress_,
                             cancel_);
  }

  TemporaryFolder folder_;
  Warnings progress_;
  CancelToken cancel_;
};

TEST_F(Predict, RefusesAModelWhoseClustersAreNotEachOnce) {
  const fs::path file = folder_ / "run/model.json";
  auto model = nlohmann::json::parse(read_file(file));
  for (const std::vector<int>& order : {std::vector<int>{0, 100000000}, {0, 0}, {0, -1}, {1}}) {
    model["label_order"] = order;
    write_file(file, model.dump());
    EXPECT_CONTAINS(user_error_of([&] { Predictor predictor(folder_ / "run"); }),
                    "label_order is not each of 2 clusters once");
  }
}

TEST_F(Predict, DistancesAreThoseToTheMeansOfTheTrainingRows) {
  Predictor predictor(folder_ / "run");
  EXPECT_TRUE(std::isnan(predict(predictor, {3})[0].distance));
  EXPECT_EQ(predictor.distance_kind(), std::nullopt);
  predictor.measure_distances(80, progress_, cancel_);
  EXPECT_EQ(predictor.distance_kind(), DistanceKind::euclidean);
  // Mean 4.5, distances 0.5, 0.5, ... 4.5, 4.5: eight of ten do not exceed 3.5. Mean 102: 0, 1, 1,
  // 2, 2: four of five do not exceed 2.
  const auto found = predict(predictor, {1, 0.9f, 8, 104, 104.1f, 40});
  const std::int32_t labels[] = {0, 0, 0, 1, 1, 0};
  const double distances[] = {3.5, 3.6, 3.5, 2, 2.1, 35.5};
  const bool outliers[] = {false, true, false, false, true, true};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(found[i].label, labels[i]) << i;
    EXPECT_NEAR(found[i].distance, distances[i], 1e-5) << i;
    EXPECT_EQ(found[i].outlier, outliers[i]) << i;
  }
}

TEST_F(Predict, WithoutItsTrainingDataThereAreLabelsAlone) {
  fs::remove(folder_ / "line.csv");
  Predictor predictor(folder_ / "run");
  predictor.measure_distances(99, progress_, cancel_);
  EXPECT_CONTAINS(progress_.all(), "distances are left empty");
  const auto found = predict(predictor, {101});
  EXPECT_EQ(found[0].label, 1);
  EXPECT_TRUE(std::isnan(found[0].distance));
  EXPECT_FALSE(found[0].outlier);
}

TEST_F(Predict, FilesAreForRunsOnImages) {
  const Predictor predictor(folder_ / "run");
  EXPECT_CONTAINS(user_error_of([&] { predict_files(predictor, {"a.jpg"}, {}, cancel_); }),
                  "on features");
  EXPECT_CONTAINS(user_error_of([&] { Predictor(folder_ / "nowhere"); }), "no run folder");
}

}  // namespace
}  // namespace coterie
