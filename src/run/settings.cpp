#include "coterie/run/settings.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {

nlohmann::json path_to_json(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string hex;
  for (const unsigned char byte : bytes) hex += fmt::format("{:02x}", byte);
  return {{"hex", hex}};
}

std::string path_from_json(const nlohmann::json& json) {
  if (json.is_string()) return json.get<std::string>();
  const auto hex = json.at("hex").get<std::string>();
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

nlohmann::json to_json(const RunSettings& settings) {
  auto parameters = nlohmann::json::object();
  for (const auto& [name, value] : settings.parameters) parameters[name] = value;
  auto bases = nlohmann::json::array();
  for (const auto& run : settings.bases) bases.push_back(path_to_json(run));
  return {{"input", path_to_json(settings.input)},
          {"labels", path_to_json(settings.load.labels)},
          {"label_column", path_to_json(settings.load.label_column)},
          {"image_size", settings.load.image_size},
          {"channels", settings.load.channels},
          {"cache", path_to_json(settings.load.cache.native())},
          {"max_file_bytes", settings.load.max_file_bytes},
          {"max_pixels", settings.load.max_pixels},
          {"method", settings.method},
          {"clusters", settings.clusters},
          {"most_clusters", settings.most_clusters},
          {"parameters", parameters},
          {"seed", settings.seed},
          {"device", settings.device},
          {"precision", settings.precision},
          {"weights", path_to_json(settings.weights)},
          {"init_from", path_to_json(settings.init_from)},
          {"bases", bases},
          {"constraints", path_to_json(settings.constraints)},
          {"oracle", path_to_json(settings.oracle)},
          {"oracle_noise", settings.oracle_noise},
          {"time_budget", settings.time_budget},
          {"tensorboard", settings.tensorboard},
          {"snapshots", settings.snapshots}};
}

RunSettings settings_from_json(const nlohmann::json& json) {
  try {
    RunSettings settings;
    settings.input = path_from_json(json.at("input"));
    settings.load.labels = path_from_json(json.at("labels"));
    settings.load.label_column = path_from_json(json.at("label_column"));
    json.at("image_size").get_to(settings.load.image_size);
    json.at("channels").get_to(settings.load.channels);
    settings.load.cache = path_from_json(json.at("cache"));
    json.at("max_file_bytes").get_to(settings.load.max_file_bytes);
    json.at("max_pixels").get_to(settings.load.max_pixels);
    json.at("method").get_to(settings.method);
    json.at("clusters").get_to(settings.clusters);
    settings.most_clusters = json.value("most_clusters", settings.most_clusters);
    for (const auto& [name, value] : json.at("parameters").items())
      settings.parameters[name] = value.get<std::string>();
    json.at("seed").get_to(settings.seed);
    json.at("device").get_to(settings.device);
    settings.precision = json.value("precision", "fp32");
    if (json.contains("weights")) settings.weights = path_from_json(json.at("weights"));
    if (json.contains("init_from")) settings.init_from = path_from_json(json.at("init_from"));
    if (json.contains("bases"))
      for (const auto& run : json.at("bases")) settings.bases.push_back(path_from_json(run));
    if (json.contains("constraints")) settings.constraints = path_from_json(json.at("constraints"));
    if (json.contains("oracle")) settings.oracle = path_from_json(json.at("oracle"));
    settings.oracle_noise = json.value("oracle_noise", settings.oracle_noise);
    json.at("time_budget").get_to(settings.time_budget);
    settings.tensorboard = json.value("tensorboard", settings.tensorboard);
    settings.snapshots = json.value("snapshots", settings.snapshots);
    return settings;
  } catch (const nlohmann::json::exception& error) {
    throw UserError("the manifest's settings are damaged ({}); cluster again", error.what());
  }
}

}  // namespace coterie
