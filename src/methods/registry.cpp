#include "coterie/methods/registry.h"

#include "coterie/methods/adc/adc.h"
#include "coterie/methods/ae-dac/dac.h"
#include "coterie/methods/ae-opa/ae_opa.h"
#include "coterie/methods/ae/ae.h"
#include "coterie/methods/cc/cc.h"
#include "coterie/methods/dcsc/dcsc.h"
#include "coterie/methods/dec/dec.h"
#include "coterie/methods/dpac/dpac.h"
#include "coterie/methods/jdce/jdce.h"
#include "coterie/methods/moco/moco.h"
#include "coterie/methods/shallow_methods.h"
#include "coterie/methods/simclr/simclr.h"

namespace coterie {
namespace {

RegisteredMethod entry(std::unique_ptr<Method> (*create)()) { return {create()->info(), create}; }

}  // namespace

const std::vector<RegisteredMethod>& registered_methods() {
  static const std::vector<RegisteredMethod> methods = {
      entry(make_pac),          entry(make_kmeans),
      entry(make_fuzzy_cmeans), entry(make_pam),
      entry(make_spectral),     entry(make_agglomerative),
      entry(make_nmf),          entry(make_rcc),
      entry(make_finch),        entry(make_gaussian_mixture),
      entry(make_ae),           entry(make_dae),
      entry(make_vae),          entry(make_dec),
      entry(make_idec),         entry(make_dac),
      entry(make_ae_dac),       entry(make_ae_opa),
      entry(make_simclr),       entry(make_moco),
      entry(make_cc),           entry(make_dcsc),
      entry(make_dpac),         entry(make_jdce),
      entry(make_adc),
  };
  return methods;
}

std::string methods_with(NetworkKind network) {
  std::vector<std::string> names;
  for (const auto& method : registered_methods())
    if (method.info.network == network) names.push_back(method.info.name);
  const std::string last = names.back();
  names.pop_back();
  return names.empty() ? last : join(names, ", ") + " or " + last;
}

std::unique_ptr<Method> create_method(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& method : registered_methods()) {
    if (method.info.name == name) return method.create();
    names.push_back(method.info.name);
  }
  const std::string near = closest(name, names);
  throw UserError("--method '{}' is not known{}; known are: {}", printable(name),
                  near.empty() ? "" : ": did you mean '" + near + "'?", join(names, ", "));
}

}  // namespace coterie
