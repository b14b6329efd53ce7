#include "coterie/methods/autoencoder_method.h"

#include <algorithm>

#include "coterie/methods/ae-dac/dac_params.h"
#include "coterie/methods/ae-opa/ae_opa_params.h"
#include "coterie/methods/dec/dec_params.h"
#include "coterie/methods/shared_batch.h"

namespace coterie {

template <class Params>
std::vector<Stage> AutoencoderMethod<Params>::stages(const Training& training) {
  std::vector<Stage> all;
  if (pretrains() && training.context.init_from.empty())
    all.push_back(autoencoder().pretraining(training.engine));
  for (Stage& stage : joint_stages(training)) all.push_back(std::move(stage));
  return all;
}

template <class Params>
Stage AutoencoderMethod<Params>::joint_stage(const Training& training, std::string name) const {
  // Few images would make too few steps of large batches. All processes have as many of one.
  const Processes& processes = training.engine.processes();
  const std::int64_t most = shared_batch(
      std::max(2 * std::int64_t{processes.size()}, training.data.count / 4), processes);
  return {.name = std::move(name),
          .epochs = this->params_.epochs,
          .batch_size = std::min(this->params_.joint_batch_size, most),
          .learning_rate = this->params_.learning_rate,
          .optimiser = {.weight_decay = this->params_.weight_decay},
          .clusters = training.clusters,
          .trained = {&autoencoder().network(), &this->head()}};
}

template <class Params>
torch::Tensor AutoencoderMethod<Params>::seen(Batch& batch) const {
  return autoencoder().normalised(
      this->params_.augment ? autoencoder().distorted(batch.images, batch.random) : batch.images);
}

template <class Params>
auto AutoencoderMethod<Params>::pass(const Training& training, Batch& batch, bool reconstruct) const
    -> Pass {
  Pass made;
  made.plain = autoencoder().normalised(batch.images);
  const auto images = this->params_.augment ? seen(batch) : made.plain;
  made.log_probabilities = training.engine.forward(images, [&](const torch::Tensor& x) {
    const Description description = autoencoder().describe(x);
    if (reconstruct) made.back = autoencoder().network().decode(description.codes);
    return this->head().log_probabilities(description);
  });
  return made;
}

template <class Params>
void AutoencoderMethod<Params>::add_reconstruction(const Pass& pass, double weight,
                                                   Losses& losses) const {
  if (!pass.back.defined()) return;
  const auto error = autoencoder().reconstruction(pass.plain, pass.back.to(torch::kFloat));
  losses.total = losses.total + weight * error;
  losses.parts.emplace_back("reconstruction", error);
}

template class AutoencoderMethod<DecParams>;
template class AutoencoderMethod<IdecParams>;
template class AutoencoderMethod<DacParams>;
template class AutoencoderMethod<AeDacParams>;
template class AutoencoderMethod<AeOpaParams>;

}  // namespace coterie
