#include "coterie/methods/ae-dac/dac.h"

#include "coterie/loss/pairs.h"
#include "coterie/methods/ae-dac/dac_params.h"
#include "coterie/methods/softmax_method.h"
#include "coterie/nn/tensors.h"

namespace coterie {
namespace {

/// The network that says which pairs are alike, where it is not the one in training: what that was
/// some steps ago, or an average of what it has been.
class Labeller : public torch::nn::Module {
 public:
  Labeller(const AutoencoderShape& shape, std::shared_ptr<ClusterHead> head)
      : network_(register_module("network", Autoencoder(shape))),
        head_(register_module("head", std::move(head))),
        steps_(register_buffer("steps", torch::zeros({1}, torch::kLong))) {
    for (auto& parameter : parameters()) parameter.set_requires_grad(false);
  }

  /// To be called before each step. Every `steps` steps its weights move by 1 - momentum towards
  /// those in training.
  void follow(const AutoencoderImpl& network, const ClusterHead& head, std::int64_t steps,
              double momentum) {
    const auto step = steps_.item<std::int64_t>();
    if (step % steps == 0) {
      move_weights(*network_, network, step == 0 ? 0 : momentum);
      move_weights(*head_, head, step == 0 ? 0 : momentum);
    }
    steps_.add_(1);
  }

  torch::Tensor probabilities(const torch::Tensor& images) {
    const auto features = network_->features(images);
    return head_->probabilities(features, network_->code(features));
  }

 private:
  Autoencoder network_;
  std::shared_ptr<ClusterHead> head_;
  torch::Tensor steps_;
};

template <class Params>
class Dac : public SoftmaxMethod<Params> {
 public:
  using SoftmaxMethod<Params>::SoftmaxMethod;

 private:
  using typename AutoencoderMethod<Params>::Training;

  bool pretrains() const override { return this->params_.alpha > 0; }

  std::vector<Stage> stages(const Training& training) override {
    std::vector<Stage> all = this->head_stages(training);
    const Params& params = this->params_;
    const ThresholdRule rule{params.upper, params.lower, params.rate};
    Stage stage = this->joint_stage(training, "adapt");
    stage.finished = [rule](std::int64_t epoch) { return epoch >= rule.meeting(); };
    const auto labeller = make_labeller(training);
    stage.step = [this, training, rule, labeller](Batch& batch) -> Losses {
      const Params& settings = this->params_;
      if (labeller)
        labeller->follow(this->autoencoder().network(), this->head(), settings.label_steps,
                         settings.label_momentum);
      const auto pass = this->pass(training, batch, settings.alpha > 0);
      const torch::Tensor& student = pass.probabilities;
      torch::Tensor teacher = student.detach();
      if (settings.augment || labeller) {
        torch::NoGradGuard no_grad;
        teacher = training.engine.forward(pass.plain, [&](const torch::Tensor& images) {
          return labeller ? labeller->probabilities(images) : this->assigned(images);
        });
      }
      // Pairs over the images of all processes: of each with every other.
      const Processes& processes = training.engine.processes();
      PairLabels labels =
          pair_labels(pair_similarities(teacher, processes.gather(teacher)), rule.at(batch.epoch));
      const auto pairs = static_cast<double>(labels.similar.numel());
      const auto similar = labels.similar.sum() / pairs;
      const auto dissimilar = labels.dissimilar.sum() / pairs;
      if (!settings.negatives) labels.dissimilar.zero_();
      const auto loss = pair_loss(pair_similarities(student, processes.gather(student)), labels);
      Losses losses{settings.beta * loss,
                    {{"pairs", loss}, {"similar", similar}, {"dissimilar", dissimilar}},
                    teacher.argmax(1)};
      this->add_reconstruction(pass, settings.alpha, losses);
      return losses;
    };
    all.push_back(std::move(stage));
    return all;
  }

  /// None where the network in training labels its pairs itself.
  std::shared_ptr<Labeller> make_labeller(const Training& training) const {
    if (this->params_.label_steps == 1 && this->params_.label_momentum == 0) return nullptr;
    RandomStream unused(0, "labeller");
    auto labeller = std::make_shared<Labeller>(this->autoencoder().network().shape(),
                                               this->make_head(training.clusters, unused));
    labeller->to(training.engine.context().device);
    training.engine.keep("labeller", *labeller);
    training.engine.share_batch_norms(*labeller);
    return labeller;
  }
};

template <class Params>
void add_dac_fields(Fields<Params>& fields) {
  fields
      .template number<double>("beta", &Params::beta, between(0, 1000), "weight of the pairs' loss")
      .template number<double>("upper", &Params::upper, between(0, 1),
                               "similarity above which a pair is of one cluster, at the start")
      .template number<double>("lower", &Params::lower, between(0, 1),
                               "similarity below which a pair is of two, at the start")
      .template number<double>("rate", &Params::rate, Range{.low = 0, .high = 1, .low_open = true},
                               "how fast the two approach; the training ends where they meet")
      .flag("negatives", &Params::negatives,
            "train on pairs of two clusters; without them, as eq. 4 prints it, all becomes one");
  fields
      .template number<std::int64_t>(
          "label_steps", &Params::label_steps, between(1, 1000000),
          "steps for which the network that labels the pairs is held: 8 batches of 128 are DAC's "
          "chunk of 1000 images")
      .template number<double>("label_momentum", &Params::label_momentum,
                               Range{.low = 0, .high = 1, .high_open = true},
                               "share of itself that this network keeps when it is renewed: above "
                               "0 it is a moving average");
  add_head_fields(fields);
  add_joint_fields(fields);
}

}  // namespace

const Fields<DacParams>& DacParams::fields() {
  static const Fields<DacParams> kFields = [] {
    Fields<DacParams> fields;
    add_dac_fields(fields);
    return fields;
  }();
  return kFields;
}

const Fields<AeDacParams>& AeDacParams::fields() {
  static const Fields<AeDacParams> kFields = [] {
    Fields<AeDacParams> fields;
    fields.number<double>("alpha", &AeDacParams::alpha, above(0), "weight of the reconstruction");
    add_dac_fields(fields);
    return fields;
  }();
  return kFields;
}

std::unique_ptr<Method> make_ae_dac() {
  return std::make_unique<Dac<AeDacParams>>(MethodInfo{
      .name = "ae-dac",
      .family = "autoencoder",
      .summary = "pairs of images judged alike or not, beside an autoencoder that holds the form",
      .paper = "Yu, Liu, Han, Li, Tang, Wu: Representation Learning Based on Autoencoder and Deep "
               "Adaptive Clustering for Image Clustering, 2021",
      .input = InputKind::images,
      .autoencoder = true});
}

std::unique_ptr<Method> make_dac() {
  return std::make_unique<Dac<DacParams>>(
      MethodInfo{.name = "dac",
                 .family = "autoencoder",
                 .summary = "pairs of images judged alike or not, by thresholds that approach",
                 .paper = "Chang, Wang, Meng, Xiang, Pan: Deep Adaptive Image Clustering, 2017",
                 .input = InputKind::images});
}

}  // namespace coterie
