#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/load.h"
#include "coterie/methods/method.h"
#include "coterie/run/cluster_distances.h"
#include "coterie/run/run_folder.h"

namespace coterie {

struct Prediction {
  std::int32_t label = 0;
  float confidence = 0;  ///< the largest probability
  /// To the mean of the cluster's training rows; NaN where none was measured.
  double distance = std::numeric_limits<double>::quiet_NaN();
  bool outlier = false;  ///< farther from it than nearly all of them
};

/// A finished run's model, ready to label new data.
class Predictor {
 public:
  /// Throws UserError where the folder holds no finished run or its model is damaged.
  explicit Predictor(const std::filesystem::path& run);

  const std::string& method() const { return method_name_; }
  std::int64_t clusters() const { return clusters_; }
  bool takes_images() const { return images_; }
  const ImageShape& shape() const { return shape_; }

  /// From now on predictions have distances, and those beyond `percentile` (above 0, up to 100) of
  /// the cluster's training rows are outliers. They are cosine between embeddings where the run has
  /// some, otherwise Euclidean between features, or pixels in 0..1: then the run's data set is read
  /// again, and where it is gone that is warned of, and nothing is measured.
  void measure_distances(double percentile, Progress& progress, const CancelToken& cancel);
  /// Set where they are measured.
  std::optional<DistanceKind> distance_kind() const;

  /// Reads an input as the training data were read. Throws UserError where it is of another kind or
  /// shape.
  Dataset load(const std::string& input, const LoadOptions& options, Progress& progress,
               const CancelToken& cancel) const;
  /// Labels of data of the training data's shape; on the training data themselves those that the
  /// run has.
  std::vector<Prediction> predict(const TrainingData& data, Progress& progress,
                                  const CancelToken& cancel) const;

 private:
  RunFolder folder_;
  std::unique_ptr<Method> method_;
  std::string method_name_;
  std::string precision_;
  std::uint64_t seed_ = 0;
  std::int64_t clusters_ = 0;
  std::vector<std::int32_t> label_order_;
  bool images_ = false;
  ImageShape shape_;
  std::int64_t columns_ = 0;
  std::optional<ClusterDistances> distances_;
};

/// What became of one image file.
struct FilePrediction {
  std::string path;                 ///< as it was given
  std::optional<Prediction> found;  ///< nothing where the file cannot be used
  std::string cause;                ///< why not
};

/// Labels of some image files, decoded as those of a folder are. Throws UserError where the run is
/// on features, or on images that no file decodes to (not square).
std::vector<FilePrediction> predict_files(const Predictor& predictor,
                                          const std::vector<std::string>& paths,
                                          const LoadOptions& limits, const CancelToken& cancel);

}  // namespace coterie
