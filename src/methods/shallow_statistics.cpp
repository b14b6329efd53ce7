#include "coterie/methods/shallow_statistics.h"

#include <fmt/format.h>

#include <cmath>

#include "coterie/shallow/agglomerative.h"
#include "coterie/shallow/finch.h"
#include "coterie/shallow/fuzzy_cmeans.h"
#include "coterie/shallow/gaussian_mixture.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/nmf.h"
#include "coterie/shallow/pac.h"
#include "coterie/shallow/pam.h"
#include "coterie/shallow/rcc.h"
#include "coterie/shallow/spectral.h"

namespace coterie {
namespace {

/// `describe` of each entry as an array.
template <class Entries, class Describe>
nlohmann::json array_of(const Entries& entries, Describe&& describe) {
  auto array = nlohmann::json::array();
  for (const auto& entry : entries) array.push_back(describe(entry));
  return array;
}

/// The figure `name` of the chosen restart, which restart that is, and all of them.
template <class Restarts, class Describe>
nlohmann::json restarts_json(const Restarts& restarts, int chosen, const char* name,
                             Describe&& describe) {
  if (restarts.empty()) return nlohmann::json::object();
  nlohmann::json all = array_of(restarts, describe);
  return {{name, all[chosen].at(name)}, {"chosen_restart", chosen}, {"restarts", all}};
}

nlohmann::json describe_run(const PacRun& run) {
  return {{"objective", run.objective},
          {"sweeps", run.sweeps},
          {"updates", run.updates},
          {"converged", run.converged}};
}

}  // namespace

nlohmann::json statistics_of(const Pac& pac) {
  nlohmann::json statistics =
      restarts_json(pac.restarts(), pac.chosen_restart(), "objective", describe_run);
  statistics["m"] = pac.fuzziness();
  if (pac.full_run()) {
    statistics["objective"] = pac.objective();
    statistics["all_rows"] = describe_run(*pac.full_run());
  }
  return statistics;
}

nlohmann::json statistics_of(const KMeans& kmeans) {
  return restarts_json(kmeans.restarts(), kmeans.chosen_restart(), "inertia",
                       [](const KMeansRestart& restart) -> nlohmann::json {
                         return {{"inertia", restart.inertia},
                                 {"iterations", restart.iterations},
                                 {"measured", restart.measured},
                                 {"converged", restart.converged},
                                 {"repaired", restart.repaired}};
                       });
}

nlohmann::json statistics_of(const FuzzyCMeans& fuzzy) {
  return restarts_json(fuzzy.restarts(), fuzzy.chosen_restart(), "objective",
                       [](const FuzzyCMeansRestart& restart) -> nlohmann::json {
                         return {{"objective", restart.objective},
                                 {"iterations", restart.iterations},
                                 {"converged", restart.converged}};
                       });
}

nlohmann::json statistics_of(const GaussianMixture& mixture) {
  return restarts_json(mixture.restarts(), mixture.chosen_restart(), "log_likelihood",
                       [](const GaussianMixtureRestart& restart) -> nlohmann::json {
                         return {{"log_likelihood", restart.log_likelihood},
                                 {"bic", restart.bic},
                                 {"aic", restart.aic},
                                 {"iterations", restart.iterations},
                                 {"converged", restart.converged}};
                       });
}

nlohmann::json statistics_of(const Nmf& nmf) {
  return restarts_json(nmf.restarts(), nmf.chosen_restart(), "objective",
                       [](const NmfRestart& restart) -> nlohmann::json {
                         return {{"objective", restart.objective},
                                 {"iterations", restart.iterations},
                                 {"converged", restart.converged}};
                       });
}

nlohmann::json statistics_of(const Pam& pam) {
  if (pam.searches().empty()) return nlohmann::json::object();
  return {{"total_deviation", pam.total_deviation()},
          {"medoid_rows", pam.medoid_rows()},
          {"sampled", pam.searches().size() > 1},
          {"chosen_search", pam.chosen_search()},
          {"searches", array_of(pam.searches(), [](const PamSearch& search) -> nlohmann::json {
             return {{"rows", search.rows},           {"start_deviation", search.start_deviation},
                     {"deviation", search.deviation}, {"total_deviation", search.total_deviation},
                     {"swaps", search.swaps},         {"passes", search.passes},
                     {"converged", search.converged}};
           })}};
}

nlohmann::json statistics_of(const Spectral& spectral) {
  return {{"eigenvalues", spectral.eigenvalues()}};
}

nlohmann::json statistics_of(const Agglomerative& agglomerative) {
  if (agglomerative.merges().empty()) return nlohmann::json::object();
  return {{"merges", agglomerative.merges().size()},
          {"highest_merge", agglomerative.merges().back().height}};
}

nlohmann::json statistics_of(const Finch& finch) {
  return {{"chosen_level", finch.chosen_level()},
          {"level_clusters",
           array_of(finch.levels(), [](const FinchLevel& level) { return level.clusters(); })}};
}

nlohmann::json statistics_of(const Rcc& rcc) {
  if (rcc.steps().empty()) return nlohmann::json::object();
  const RccStep& last = rcc.steps().back();
  return {{"iterations", rcc.steps().size()},
          {"objective", last.objective},
          {"mu", last.mu},
          {"groups", rcc.groups()}};
}

nlohmann::json cluster_count_json(const ClusterCountChoice& choice) {
  return {{"k", choice.clusters},
          {"reason", choice.reason},
          {"curve", array_of(choice.curve, [](const ClusterCountScore& score) -> nlohmann::json {
             return {{"k", score.clusters},
                     {"silhouette", score.silhouette},
                     {"stability", score.stability},
                     {"gap", score.gap},
                     {"gap_error", score.gap_error}};
           })}};
}

nlohmann::json cluster_count_json(const Finch& finch) {
  auto curve = nlohmann::json::array();
  for (auto level = finch.levels().rbegin(); level != finch.levels().rend(); ++level)
    if (std::isfinite(level->silhouette))
      curve.push_back({{"k", level->clusters()}, {"silhouette", level->silhouette}});
  return {{"k", finch.clusters()},
          {"reason", fmt::format("K = {} is the level of the hierarchy with the highest silhouette",
                                 finch.clusters())},
          {"curve", std::move(curve)}};
}

nlohmann::json cluster_count_json(const Rcc& rcc) {
  return {{"k", rcc.clusters()},
          {"reason", fmt::format("K = {} groups of representatives lie apart from each other",
                                 rcc.clusters())},
          {"curve", nlohmann::json::array()}};
}

nlohmann::json cluster_count_json(const Spectral& spectral) {
  const auto& values = spectral.eigenvalues();
  auto curve = nlohmann::json::array();
  for (std::size_t k = 2; k < values.size(); ++k)
    curve.push_back({{"k", k}, {"eigengap", values[k] - values[k - 1]}});
  return {{"k", spectral.clusters()},
          {"reason", fmt::format("K = {} lies before the largest gap of the eigenvalues",
                                 spectral.clusters())},
          {"curve", std::move(curve)}};
}

}  // namespace coterie
