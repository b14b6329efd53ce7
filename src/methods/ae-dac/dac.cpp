#include "coterie/methods/ae-dac/dac.h"

#include "coterie/loss/pairs.h"
#include "coterie/methods/ae-dac/dac_params.h"
#include "coterie/methods/softmax_method.h"

namespace coterie {
namespace {

template <class Params>
class Dac : public SoftmaxMethod<Params> {
 public:
  using SoftmaxMethod<Params>::SoftmaxMethod;

 private:
  using typename AutoencoderMethod<Params>::Training;

  bool pretrains() const override { return this->params_.alpha > 0; }

  std::vector<Stage> joint_stages(const Training& training) override {
    std::vector<Stage> all = this->head_stages(training);
    const Params& params = this->params_;
    const ThresholdRule rule{params.upper, params.lower, params.rate};
    Stage stage = this->joint_stage(training, "adapt");
    stage.finished = [rule](std::int64_t epoch, const auto&) { return epoch >= rule.meeting(); };
    const auto labeller = this->make_labeller(training);
    stage.step = [this, training, rule, labeller](Batch& batch) -> Losses {
      const Params& settings = this->params_;
      const auto pass = this->pass(training, batch, settings.alpha > 0);
      const torch::Tensor student = pass.log_probabilities.exp();
      const torch::Tensor teacher =
          settings.augment || labeller
              ? this->labelled(training, pass.plain, labeller.get()).probabilities
              : student.detach();
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
  add_head_fields(fields);
}

}  // namespace

const Fields<DacParams>& DacParams::fields() {
  static const Fields<DacParams> kFields = [] {
    Fields<DacParams> fields;
    add_dac_fields(fields);
    add_cluster_training_fields(fields);
    add_autoencoder_network_fields(fields);
    return fields;
  }();
  return kFields;
}

const Fields<AeDacParams>& AeDacParams::fields() {
  static const Fields<AeDacParams> kFields = [] {
    Fields<AeDacParams> fields;
    fields.number<double>("alpha", &AeDacParams::alpha, above(0), "weight of the reconstruction");
    add_dac_fields(fields);
    add_joint_fields(fields);
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
      .network = NetworkKind::autoencoder});
}

std::unique_ptr<Method> make_dac() {
  return std::make_unique<Dac<DacParams>>(
      MethodInfo{.name = "dac",
                 .family = "autoencoder",
                 .summary = "pairs of images judged alike or not, by thresholds that approach",
                 .paper = "Chang, Wang, Meng, Xiang, Pan: Deep Adaptive Image Clustering, 2017",
                 .input = InputKind::images,
                 .network = NetworkKind::autoencoder});
}

}  // namespace coterie
