#include "coterie/run/predict.h"

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/decode_files.h"
#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/methods/shallow_methods.h"
#include "coterie/run/cluster.h"

namespace fs = std::filesystem;

namespace coterie {

Predictor::Predictor(const fs::path& run) : folder_(run) {
  folder_.read_finished_manifest();
  nlohmann::json model;
  const StoredModel stored = folder_.read_model(model);
  try {
    method_name_ = model.at("method");
    method_ = create_method(method_name_);
    for (const auto& [name, value] : model.at("parameters").items())
      method_->set_parameter(name, value.get<std::string>());
    method_->load(stored);
    clusters_ = model.at("clusters");
    seed_ = model.at("seed");
    precision_ = model.value("precision", "fp32");
    model.at("label_order").get_to(label_order_);
    const auto& trained = model.at("input");
    images_ = trained.at("kind") == "images";
    if (images_)
      shape_ = {trained.at("shape").at(0), trained.at("shape").at(1), trained.at("shape").at(2)};
    else
      columns_ = trained.at("columns");
  } catch (const nlohmann::json::exception& error) {
    throw UserError("{} is damaged ({}); cluster again",
                    printable(folder_.file("model.json").native()), error.what());
  }
}

void Predictor::measure_distances(double percentile, Progress& progress,
                                  const CancelToken& cancel) {
  try {
    if (path_exists(folder_.file("embeddings.npy"))) {
      const Matrix<float> embeddings = folder_.read_matrix("embeddings.npy");
      const auto labels = labels_of(folder_.read_assignments());
      if (std::cmp_not_equal(labels.size(), embeddings.rows()))
        throw UserError("{} holds {} rows, the run {}; cluster again",
                        printable(folder_.file("embeddings.npy").native()), embeddings.rows(),
                        labels.size());
      distances_.emplace(DistanceKind::cosine, embeddings, labels, clusters_, percentile);
    } else {
      const LoadedRun run = open_run(folder_.path(), progress, cancel);
      Matrix<float> pixels;
      const ConstFeatures rows = feature_rows(run.dataset.training_data(), pixels);
      distances_.emplace(DistanceKind::euclidean, rows, labels_of(run.rows), clusters_, percentile);
    }
  } catch (const UserError& error) {
    progress.warn(fmt::format(
        "distances are left empty, as they are measured by the training data: {}", error.what()));
  }
}

std::optional<DistanceKind> Predictor::distance_kind() const {
  if (!distances_) return std::nullopt;
  return distances_->kind();
}

Dataset Predictor::load(const std::string& input, const LoadOptions& given, Progress& progress,
                        const CancelToken& cancel) const {
  LoadOptions options = given;
  if (images_) {  // Decode new files to the very form of the training images.
    options.image_size = static_cast<int>(shape_.height);
    options.channels = static_cast<int>(shape_.channels);
  }
  Dataset dataset = load_dataset(input, options, progress, cancel);
  const std::string name = printable(folder_.path().native());
  if (dataset.has_images() != images_)
    throw UserError("the run in {} was made from {}, {} holds {}", name,
                    images_ ? "images" : "features", printable(dataset.source),
                    images_ ? "features" : "images");
  if (!images_) {
    check_width(columns_, dataset.features.cols);
  } else if (!(dataset.shape == shape_)) {
    throw UserError(
        "the run in {} was made from images of {} x {} x {} (channels, height, "
        "width), those in {} are {} x {} x {}",
        name, shape_.channels, shape_.height, shape_.width, printable(dataset.source),
        dataset.shape.channels, dataset.shape.height, dataset.shape.width);
  }
  return dataset;
}

std::vector<Prediction> Predictor::predict(const TrainingData& data, Progress& progress,
                                           const CancelToken& cancel) const {
  const FitContext context{.clusters = clusters_,
                           .seed = seed_,
                           .device = resolved_device_name("auto"),
                           .precision = precision_,
                           .progress = &progress,
                           .cancel = &cancel};
  Clustering result = method_->predict(data, context);
  renumber(result, label_order_);
  const std::vector<float> confidences = confidences_of(result);
  std::vector<Prediction> predictions(result.labels.size());
  for (std::size_t i = 0; i < predictions.size(); ++i)
    predictions[i] = {.label = result.labels[i], .confidence = confidences[i]};
  if (!distances_) return predictions;
  Matrix<float> pixels;
  const ConstFeatures rows =
      result.embeddings.empty() ? feature_rows(data, pixels) : result.embeddings.view();
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    Prediction& each = predictions[i];
    each.distance = distances_->distance(rows.row(static_cast<std::int64_t>(i)), each.label);
    each.outlier = distances_->is_outlier(each.distance, each.label);
  }
  return predictions;
}

std::vector<FilePrediction> predict_files(const Predictor& predictor,
                                          const std::vector<std::string>& paths,
                                          const LoadOptions& limits, const CancelToken& cancel) {
  const ImageShape& shape = predictor.shape();
  if (!predictor.takes_images())
    throw UserError("the run is on features, which come from a table and not from image files");
  if (shape.height != shape.width)
    throw UserError("the run is on images of {} x {}, and image files are decoded to squares",
                    shape.height, shape.width);
  const DecodedImages decoded =
      decode_to_memory({paths.begin(), paths.end()}, shape, limits, cancel);
  std::vector<FilePrediction> results(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    results[i].path = paths[i];
    results[i].cause = decoded.causes[i];
  }
  if (decoded.files.empty()) return results;
  Progress silent;
  const auto found = predictor.predict({.count = static_cast<std::int64_t>(decoded.files.size()),
                                        .pixels = decoded.pixels.data(),
                                        .shape = shape},
                                       silent, cancel);
  for (std::size_t i = 0; i < found.size(); ++i) results[decoded.files[i]].found = found[i];
  return results;
}

}  // namespace coterie
