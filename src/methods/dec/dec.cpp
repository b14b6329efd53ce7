#include "coterie/methods/dec/dec.h"

#include "coterie/loss/distributions.h"
#include "coterie/methods/centre_head.h"
#include "coterie/methods/dec/dec_params.h"
#include "coterie/shallow/kmeans.h"

namespace coterie {
namespace {

constexpr double kMomentum = 0.9;  // of SGD

template <class Params>
class Dec : public AutoencoderMethod<Params> {
 public:
  using AutoencoderMethod<Params>::AutoencoderMethod;

 private:
  using typename AutoencoderMethod<Params>::Training;

  std::shared_ptr<ClusterHead> make_head(std::int64_t clusters, RandomStream&) const override {
    return std::make_shared<CentreHead>(clusters, this->autoencoder().network().code_width(),
                                        this->params_.alpha);
  }

  std::vector<Stage> joint_stages(const Training& training) override {
    const auto targets = std::make_shared<SharpenedTargets>(training.data.count, training.clusters);
    targets->to(training.engine.context().device);
    training.engine.keep("targets", *targets);
    Stage stage = this->joint_stage(training, "cluster");
    stage.optimiser.kind = this->params_.optimiser;
    stage.optimiser.momentum = this->params_.optimiser == OptimiserKind::sgd ? kMomentum : 0;
    stage.before_epoch = [this, training, targets](std::int64_t epoch) {
      if (epoch == 0) {
        KMeans kmeans({.restarts = this->params_.restarts});
        kmeans.fit(this->outputs(training).codes, training.clusters,
                   {.seed = training.context.seed, .cancel = training.context.cancel});
        static_cast<CentreHead&>(this->head()).set(kmeans.centres());
      }
      targets->update(this->outputs(training).probabilities);
    };
    stage.finished = [this, targets](std::int64_t epoch, const auto&) {
      return epoch > 0 && targets->changed() < this->params_.tolerance;
    };
    stage.step = [this, training, targets](Batch& batch) -> Losses {
      const double weight = this->params_.reconstruction_weight;
      const auto pass = this->pass(training, batch, weight > 0);
      const auto divergence = kl_divergence(targets->of(batch.indices), pass.log_probabilities);
      Losses losses{this->params_.divergence * divergence,
                    {{"divergence", divergence}},
                    pass.log_probabilities.argmax(1)};
      this->add_reconstruction(pass, weight, losses);
      return losses;
    };
    return {stage};
  }
};

template <class Params>
void add_dec_fields(Fields<Params>& fields) {
  add_joint_fields(fields);
  fields
      .template choice<OptimiserKind>("optimiser", &Params::optimiser,
                                      {{"sgd", OptimiserKind::sgd},
                                       {"adam", OptimiserKind::adam},
                                       {"rmsprop", OptimiserKind::rmsprop}},
                                      "of the training for the clusters; sgd has momentum 0.9")
      .template number<double>("alpha", &Params::alpha, above(0),
                               "degrees of freedom of the assignment")
      .template number<double>("tolerance", &Params::tolerance, between(0, 1),
                               "share of changed labels in an epoch below which it ends")
      .template number<int>("restarts", &Params::restarts, between(1, 1000),
                            "starts of the k-means that places the centres");
}

}  // namespace

const Fields<DecParams>& DecParams::fields() {
  static const Fields<DecParams> kFields = [] {
    Fields<DecParams> fields;
    add_dec_fields(fields);
    return fields;
  }();
  return kFields;
}

const Fields<IdecParams>& IdecParams::fields() {
  static const Fields<IdecParams> kFields = [] {
    Fields<IdecParams> fields;
    add_dec_fields(fields);
    fields.number<double>("divergence", &IdecParams::divergence, between(0, 1000),
                          "weight of the clusters' loss beside the reconstruction's");
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_dec() {
  return std::make_unique<Dec<DecParams>>(MethodInfo{
      .name = "dec",
      .family = "autoencoder",
      .summary = "an autoencoder's codes drawn towards centres by a self-sharpening target",
      .paper = "Xie, Girshick, Farhadi: Unsupervised Deep Embedding for Clustering Analysis, 2016",
      .input = InputKind::images,
      .network = NetworkKind::autoencoder});
}

std::unique_ptr<Method> make_idec() {
  return std::make_unique<Dec<IdecParams>>(MethodInfo{
      .name = "idec",
      .family = "autoencoder",
      .summary = "dec with the reconstruction kept up beside it",
      .paper = "Guo, Gao, Liu, Yin: Improved Deep Embedded Clustering with Local Structure "
               "Preservation, 2017",
      .input = InputKind::images,
      .network = NetworkKind::autoencoder});
}

}  // namespace coterie
