#include "coterie/run/export_model.h"

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/methods/torchscript.h"
#include "coterie/run/run_folder.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

/// The values of a small tensor.
nlohmann::json values_of(const TensorMap& tensors, const char* name, float otherwise) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.dtype != DType::f32) return {otherwise};
  const auto values = found->second.values<float>();
  return std::vector<float>(values.begin(), values.end());
}

nlohmann::json input_of(const nlohmann::json& model, const StoredModel& stored) {
  const auto& trained = model.at("input");
  if (trained.at("kind") != "images")
    return {{"kind", "features"}, {"columns", trained.at("columns")}};
  nlohmann::json input = {{"kind", "images"}, {"shape", trained.at("shape")}, {"range", {0, 1}}};
  if (!stored.tensors.contains("mean")) return input;  // Pixels themselves are clustered.
  input["resized_to"] = stored.meta.at("side");
  input["normalisation"] = {{"subtract", values_of(stored.tensors, "mean", 0)},
                            {"divide", values_of(stored.tensors, "deviation", 1)}};
  return input;
}

nlohmann::json describe_tensors(const TensorMap& tensors) {
  auto list = nlohmann::json::array();
  for (const auto& [name, tensor] : tensors)
    list.push_back(
        {{"name", name}, {"dtype", std::string(name_of(tensor.dtype))}, {"shape", tensor.shape}});
  return list;
}

void check_folder(const fs::path& to) {
  std::error_code error;
  const auto status = fs::status(to, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() != fs::file_type::directory || !fs::is_empty(to, error))
    throw UserError("--to {} is there already; choose a new or empty folder",
                    printable(to.native()));
}

}  // namespace

fs::path export_model(const fs::path& run, const fs::path& to, ModelForm form) {
  check_folder(to);
  const RunFolder folder(run);
  folder.read_finished_manifest();
  nlohmann::json model;
  const StoredModel stored = folder.read_model(model);
  nlohmann::json about = {{"format", 1},
                          {"coterie", kVersion},
                          {"method", model.at("method")},
                          {"clusters", model.at("clusters")},
                          {"parameters", model.at("parameters")},
                          {"input", input_of(model, stored)}};
  std::string bytes;
  const char* name = form == ModelForm::torchscript ? "model.pt" : "model.safetensors";
  if (form == ModelForm::torchscript) {
    bytes = torchscript_of({model.at("method"), stored, model.at("label_order")});
    about["outputs"] = {"labels", "probabilities", "embeddings"};
  } else {
    bytes = read_file(folder.file("model.safetensors"));
    // The tensors number clusters in their own order: cluster k is the run's label_order[k].
    about["label_order"] = model.at("label_order");
    about["tensors"] = describe_tensors(stored.tensors);
  }
  create_folder(to);
  write_file(to / name, bytes);
  write_file(to / "model.json", about.dump(2) + "\n");
  return to / name;
}

}  // namespace coterie
