#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "coterie/data/load.h"

namespace coterie {

/// The method that fits the input best by our measurements: `ae` for images, `pac` for features.
inline constexpr const char* kAutoMethod = "auto";

/// What decides the result of a run: everything that `resume` needs to go on, and all that the
/// manifest records of the user's wishes.
struct RunSettings {
  std::string input;  ///< as given: a path or the name of a data set
  LoadOptions load;
  std::string method = kAutoMethod;
  std::int64_t clusters = 0;        ///< K; 0: to be found
  std::int64_t most_clusters = 20;  ///< the largest K looked at where it is to be found
  std::map<std::string, std::string> parameters;  ///< changed ones, name and value as typed
  std::uint64_t seed = 0;
  std::string device = "auto";
  std::string precision = "auto";  ///< of networks: auto, fp32 or bf16
  std::string weights;             ///< safetensors file that a backbone starts from; empty: none
  std::string init_from;           ///< run whose network is taken; empty: none
  std::vector<std::string> bases;  ///< runs whose clusterings take part in the method's consensus
  std::string constraints;         ///< csv of constraints to learn; empty: none
  /// Who answers the questions of a method that asks: empty for nobody, "truth" for the ground
  /// truth, or a csv of constraints.
  std::string oracle;
  double oracle_noise = 0;              ///< share of the answers of "truth" that are wrong
  double time_budget = 0;               ///< seconds for the training, 0: no limit
  bool tensorboard = false;             ///< write event files for TensorBoard
  std::vector<std::int64_t> snapshots;  ///< epochs after which a sample's embeddings are kept
};

nlohmann::json to_json(const RunSettings& settings);
/// Throws UserError naming the field that is missing or of another kind.
RunSettings settings_from_json(const nlohmann::json& json);

/// A path in JSON: a string where its bytes are UTF-8, {"hex": "..."} where they are not, so that
/// every name keeps its identity.
nlohmann::json path_to_json(const std::string& bytes);
std::string path_from_json(const nlohmann::json& json);

}  // namespace coterie
