#include "coterie/methods/ae/ae_params.h"

namespace coterie {
namespace {

template <class Params>
const Fields<Params>& fields_of() {
  static const Fields<Params> kFields = [] {
    Fields<Params> fields;
    add_autoencoder_fields(fields, "epochs", "learning_rate");
    add_embedding_cluster_fields(fields);
    return fields;
  }();
  return kFields;
}

}  // namespace

const Fields<AeParams>& AeParams::fields() { return fields_of<AeParams>(); }
const Fields<DaeParams>& DaeParams::fields() { return fields_of<DaeParams>(); }
const Fields<VaeParams>& VaeParams::fields() { return fields_of<VaeParams>(); }

}  // namespace coterie
