#pragma once

#include <string>
#include <vector>

#include "coterie/methods/head_method.h"
#include "coterie/methods/image_autoencoder.h"

namespace coterie {

/// Parameters of a second training, which brings about the clusters.
struct JointParams : AutoencoderParams {
  std::int64_t epochs = 30;
  double learning_rate = 1e-3;
  std::int64_t joint_batch_size = 256;
  bool augment = true;
};

/// Adds the description of their own to that of `Params`, which derives from them.
template <class Params>
void add_cluster_training_fields(Fields<Params>& fields) {
  fields
      .template number<std::int64_t>("epochs", &Params::epochs, between(1, 100000),
                                     "passes over the images for the clusters")
      .template number<double>("learning_rate", &Params::learning_rate,
                               Range{.low = 0, .high = 1, .low_open = true},
                               "step size of the training for the clusters")
      .template number<std::int64_t>("joint_batch_size", &Params::joint_batch_size,
                                     between(2, 65536),
                                     "images in a step of that training; at most a quarter of all")
      .flag("augment", &Params::augment,
            "distort the input then too (rotate, shift, ...), but not what its label is made from");
}

/// The same with that of the autoencoder and its own training.
template <class Params>
void add_joint_fields(Fields<Params>& fields) {
  add_cluster_training_fields(fields);
  add_autoencoder_fields(fields);
}

/// The frame of methods that train an autoencoder first, and then a head that clusters with it.
template <class Params>
class AutoencoderMethod : public HeadMethod<Params, ImageAutoencoder> {
 public:
  using HeadMethod<Params, ImageAutoencoder>::HeadMethod;

 protected:
  using typename HeadMethod<Params, ImageAutoencoder>::Training;

  /// What follows the autoencoder's own training.
  virtual std::vector<Stage> joint_stages(const Training& training) = 0;
  /// Whether the autoencoder is trained alone first.
  virtual bool pretrains() const { return true; }

  ImageAutoencoder& autoencoder() const { return this->body(); }
  /// The stage of the joint training as the parameters have it, still without its step.
  Stage joint_stage(const Training& training, std::string name) const;
  /// The images of a batch as the head is trained on them: distorted with `augment`, and centred.
  torch::Tensor seen(Batch& batch) const;
  /// What a step of the joint training makes of a batch.
  struct Pass {
    torch::Tensor plain;              ///< the images, centred
    torch::Tensor log_probabilities;  ///< of the images as they are seen, [B, K]
    torch::Tensor back;               ///< what came back of them; undefined where not asked for
  };
  Pass pass(const Training& training, Batch& batch, bool reconstruct) const;
  /// Adds the error of what came back, where it did, to `losses`.
  void add_reconstruction(const Pass& pass, double weight, Losses& losses) const;

 private:
  std::vector<Stage> stages(const Training& training) final;
};

}  // namespace coterie
