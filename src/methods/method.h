#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/params.h"
#include "coterie/core/progress.h"
#include "coterie/core/safetensors.h"
#include "coterie/data/constraints.h"
#include "coterie/data/dataset.h"
#include "coterie/shallow/assignment.h"

namespace coterie {

/// The network that a method trains: another method's run can start it where both have the same.
enum class NetworkKind {
  none,
  autoencoder,
  variational_autoencoder,
  backbone,  ///< a residual network; pre-trained weights can start it too
  siamese,   ///< what embeds both images of a pair
};

/// What a method takes: feature rows (images are flattened to pixels in 0..1), or images only.
enum class InputKind { features, images };

struct MethodInfo {
  std::string name;
  std::string family;   ///< "shallow", "autoencoder", ...
  std::string summary;  ///< one line for the list of methods
  std::string paper;
  InputKind input = InputKind::features;
  bool finds_clusters = false;  ///< can find the number of clusters
  NetworkKind network = NetworkKind::none;
  bool asks = false;  ///< asks about pairs of images while it trains (FitContext::oracle)
  bool learns_corrections = false;  ///< FitContext::corrections
  bool takes_bases = false;         ///< FitContext::bases
};

/// Labels and probabilities, one row per input in input order, and what was clustered.
struct Clustering : Assignment {
  Matrix<float> embeddings;  ///< [N, E]; empty where the input itself was clustered
};

/// A trained model as it is stored: model.safetensors and model.json.
struct StoredModel {
  TensorMap tensors;
  nlohmann::json meta;
};

/// What a method is to show of itself in the middle of its training: what it makes of a sample.
struct Snapshots {
  std::vector<std::int64_t> epochs;  ///< of each stage, counted from 1, after which
  TrainingData sample;
  /// Takes the sample's embeddings, with labels and probabilities where the method has clusters by
  /// then.
  std::function<void(const std::string& stage, std::int64_t epoch, const Clustering&)> keep;
};

/// What people said of images, for a training to learn.
struct Corrections {
  std::vector<Constraint> constraints;
  /// Clusters of all images as they were corrected, [N]; empty: those that the network finds.
  std::vector<std::int32_t> labels;
  bool empty() const { return constraints.empty() && labels.empty(); }
};

/// Who answers questions in the middle of a training: pairs of images in, constraints of those that
/// could be answered out.
using Oracle = std::function<std::vector<Constraint>(const std::vector<ImagePair>&)>;

/// Everything around one training.
struct FitContext {
  std::int64_t clusters = 0;  ///< K; 0 where the method is to find it (MethodInfo::finds_clusters)
  std::int64_t most_clusters = 20;  ///< the largest K looked at where it is to be found
  std::uint64_t seed = 0;
  std::string device = "cpu";
  std::string precision = "fp32";  ///< of networks: auto, fp32 or bf16
  std::filesystem::path weights;   ///< safetensors file that a backbone starts from; empty: none
  /// Stored model whose network is taken: instead of training an autoencoder first, or as what a
  /// backbone (with a projector and clusters, where they fit) starts from; empty: none.
  std::filesystem::path init_from;
  Progress* progress = nullptr;
  const CancelToken* cancel = nullptr;
  /// Folder for checkpoints; empty: none are written. A method that finds a sound one there goes
  /// on from it.
  std::filesystem::path checkpoints;
  /// Seconds that the training may take, 0 for no limit.
  double time_budget = 0;
  /// A line of history.jsonl for each epoch or restart.
  std::function<void(const nlohmann::json&)> record = [](const nlohmann::json&) {};
  /// Figures of labels of all images against ground truth, for the record and nothing else; an
  /// empty object where there is none.
  std::function<nlohmann::json(const std::vector<std::int32_t>&)> score =
      [](const std::vector<std::int32_t>&) { return nlohmann::json::object(); };
  Snapshots snapshots;
  Corrections corrections;
  /// Other clusterings of the images, [M][N], for a method that makes a consensus.
  std::vector<std::vector<std::int32_t>> bases;
  Oracle oracle;  ///< empty: nobody is there to ask

  /// The same without a progress.
  FitContext silent() const {
    FitContext context = *this;
    context.progress = nullptr;
    return context;
  }
};

/// A clustering method: shallow or deep, trained once, able to label new data after.
/// A valid object from its constructor; only `fit` trains.
class Method {
 public:
  virtual ~Method() = default;
  virtual const MethodInfo& info() const = 0;

  virtual std::vector<ParamInfo> parameters() const = 0;
  /// Sets a parameter from text. Throws UserError naming it, its value and what is allowed.
  virtual void set_parameter(std::string_view name, std::string_view value) = 0;
  /// Name and value of every parameter now.
  virtual std::vector<std::pair<std::string, std::string>> parameter_values() const = 0;

  /// Trains and returns the clustering of `data`. For a method that can label new data, this equals
  /// `predict(data)`. Throws Interrupted when cancelled, with a checkpoint where it keeps one.
  virtual Clustering fit(const TrainingData& data, const FitContext& context) = 0;
  /// Labels data with the trained model. Throws UserError where shape or width differ from
  /// training.
  virtual Clustering predict(const TrainingData& data, const FitContext& context) const = 0;

  virtual StoredModel save() const = 0;
  virtual void load(const StoredModel& model) = 0;
  /// Figures of the training for metrics.json: objective, sweeps, restarts.
  virtual nlohmann::json statistics() const { return nlohmann::json::object(); }
  /// Text files of the method's own for the run folder, name and content: a dendrogram.
  virtual std::map<std::string, std::string> files() const { return {}; }
};

/// The parameter part of Method for a parameter struct with `fields()`.
template <class Params>
class MethodWith : public Method {
 public:
  std::vector<ParamInfo> parameters() const override { return Params::fields().describe(); }
  void set_parameter(std::string_view name, std::string_view value) override {
    Params::fields().set(params_, name, value);
  }
  std::vector<std::pair<std::string, std::string>> parameter_values() const override {
    return Params::fields().values(params_);
  }

 protected:
  Params params_;
};

}  // namespace coterie
