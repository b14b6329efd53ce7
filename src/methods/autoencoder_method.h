#pragma once

#include <memory>
#include <vector>

#include "coterie/methods/image_autoencoder.h"
#include "coterie/methods/method.h"
#include "coterie/train/engine.h"

namespace coterie {

/// Probabilities of clusters from what an autoencoder makes of images.
class ClusterHead : public torch::nn::Module {
 public:
  /// Features [B, F] and the codes of them [B, E] to [B, K], in float32.
  virtual torch::Tensor probabilities(const torch::Tensor& features,
                                      const torch::Tensor& codes) = 0;
};

/// The rows of `all` [N, ...] that belong to these images.
torch::Tensor rows_of(const torch::Tensor& all, const std::vector<std::int64_t>& images);

/// Parameters of a second training, which brings about the clusters.
struct JointParams : AutoencoderParams {
  std::int64_t epochs = 30;
  double learning_rate = 1e-3;
  std::int64_t joint_batch_size = 256;
  bool augment = true;
};

/// Adds their description to that of `Params`, which derives from them.
template <class Params>
void add_joint_fields(Fields<Params>& fields) {
  fields
      .template number<std::int64_t>("epochs", &Params::epochs, between(1, 100000),
                                     "passes over the images for the clusters")
      .template number<double>("learning_rate", &Params::learning_rate,
                               Range{.low = 0, .high = 1, .low_open = true},
                               "step size of the training for the clusters")
      .template number<std::int64_t>("joint_batch_size", &Params::joint_batch_size,
                                     between(2, 65536), "images in a step of that training")
      .flag("augment", &Params::augment,
            "distort the input then too (rotate, shift, ...), but not what its label is made from");
  add_autoencoder_fields(fields);
}

/// The frame of methods that train an autoencoder first, and then a head that clusters.
template <class Params>
class AutoencoderMethod : public MethodWith<Params> {
 public:
  explicit AutoencoderMethod(MethodInfo info) : info_(std::move(info)) {}
  const MethodInfo& info() const override { return info_; }

  Clustering fit(const TrainingData& data, const FitContext& context) override;
  Clustering predict(const TrainingData& data, const FitContext& context) const override;
  StoredModel save() const override;
  void load(const StoredModel& model) override;
  nlohmann::json statistics() const override { return statistics_; }

 protected:
  /// One training: what the stages see of it.
  struct Training {
    const TrainingData& data;
    const FitContext& context;
    Engine& engine;
    std::int64_t clusters;
  };
  /// A head with its starting weights, for K clusters.
  virtual std::shared_ptr<ClusterHead> make_head(std::int64_t clusters,
                                                 RandomStream& weights) const = 0;
  /// What follows the autoencoder's own training. The engine keeps autoencoder and head.
  virtual std::vector<Stage> stages(const Training& training) = 0;

  ImageAutoencoder& autoencoder() const { return autoencoder_; }
  ClusterHead& head() const { return *head_; }
  /// Whether the autoencoder is trained alone first.
  virtual bool pretrains() const { return true; }

  /// Codes and probabilities of all images, [N, E] and [N, K].
  struct Outputs {
    Matrix<float> codes;
    Matrix<float> probabilities;
  };
  Outputs outputs(const TrainingData& data, const FitContext& context) const;
  /// The same in the middle of a training: silent, and in training mode again after it.
  Outputs outputs(const Training& training) const;
  /// The stage of the joint training as the parameters have it, still without its step.
  Stage joint_stage(const Training& training, std::string name) const;
  /// The head's probabilities for centred images; `features` is set where it is given.
  torch::Tensor assigned(const torch::Tensor& images, torch::Tensor* features = nullptr) const;
  /// The images of a batch as the head is trained on them: distorted with `augment`, and centred.
  torch::Tensor seen(Batch& batch) const;
  /// What a step of the joint training makes of a batch.
  struct Pass {
    torch::Tensor plain;          ///< the images, centred
    torch::Tensor probabilities;  ///< of the images as they are seen: distorted with `augment`
    torch::Tensor back;           ///< what came back of them; undefined where not asked for
  };
  Pass pass(const Training& training, Batch& batch, bool reconstruct) const;
  /// Adds the error of what came back, where it did, to `losses`.
  void add_reconstruction(const Pass& pass, double weight, Losses& losses) const;

 private:
  MethodInfo info_;
  mutable ImageAutoencoder autoencoder_;  // embedding moves both to the device that is asked for
  std::shared_ptr<ClusterHead> head_;
  std::int64_t clusters_ = 0;
  nlohmann::json statistics_ = nlohmann::json::object();
};

}  // namespace coterie
