#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/data/load.h"
#include "coterie/methods/registry.h"
#include "coterie/methods/runtime.h"
#include "coterie/run/settings.h"
#include "results.h"

namespace coterie {
namespace {

const char* input_text(InputKind input) {
  return input == InputKind::images ? "images" : "features or images";
}

nlohmann::json method_json(const RegisteredMethod& method) {
  auto parameters = nlohmann::json::array();
  for (const auto& parameter : method.create()->parameters())
    parameters.push_back({{"name", parameter.name},
                          {"type", parameter.type},
                          {"default", parameter.default_value},
                          {"allowed", parameter.allowed},
                          {"help", parameter.help},
                          {"condition", parameter.condition()}});
  return {{"name", method.info.name},
          {"family", method.info.family},
          {"summary", method.info.summary},
          {"paper", method.info.paper},
          {"input", input_text(method.info.input)},
          {"finds_clusters", method.info.finds_clusters},
          {"parameters", parameters}};
}

int list_methods(const std::string& only, const Session& session) {
  if (!only.empty()) create_method(only);  // Refuses an unknown name with the nearest one.
  auto json = nlohmann::json::array();
  for (const auto& method : registered_methods()) {
    if (!only.empty() && method.info.name != only) continue;
    json.push_back(method_json(method));
    if (session.json) continue;
    if (only.empty()) {
      fmt::print("{:<14} {:<12} {:<20} {}\n", method.info.name, method.info.family,
                 input_text(method.info.input), method.info.summary);
      continue;
    }
    fmt::print("{} ({}), works on {}\n{}\n{}\n\nParameters (--set KEY=VALUE):\n", method.info.name,
               method.info.family, input_text(method.info.input), method.info.summary,
               method.info.paper);
    for (const auto& parameter : method.create()->parameters())
      fmt::print("  {:<22} {:<10} {}\n  {:<22} {:<10} allowed: {}{}{}\n", parameter.name,
                 parameter.default_value, parameter.help, "", "", parameter.allowed,
                 parameter.condition().empty() ? "" : "; ", parameter.condition());
  }
  if (session.json) print_json({{"methods", json}});
  if (!session.json && only.empty()) fmt::print("\nParameters of one: coterie methods NAME\n");
  return 0;
}

int list_datasets(const Session& session) {
  auto json = nlohmann::json::array();
  for (const auto& dataset : known_datasets()) {
    nlohmann::json entry = {{"name", dataset.name},
                            {"summary", dataset.summary},
                            {"available", dataset.found.has_value()},
                            {"how_to_get", dataset.how_to_get}};
    if (dataset.found) entry["path"] = path_to_json(dataset.found->native());
    json.push_back(entry);
    if (session.json) continue;
    fmt::print("{:<16} {}\n{:<16} {}\n", dataset.name, dataset.summary, "",
               dataset.found ? "here: " + printable(dataset.found->native())
                             : "not here: " + dataset.how_to_get);
  }
  if (session.json) print_json({{"datasets", json}});
  return 0;
}

int doctor(const Session& session) {
  nlohmann::json report = network_runtime();
  report["coterie"] = kVersion;
  report["threads"] = thread_count();
#if defined(COTERIE_IMAGES)
  report["images"] = true;
#else
  report["images"] = false;
#endif
#if defined(COTERIE_FAISS)
  report["faiss"] = true;
#else
  report["faiss"] = false;
#endif
#if defined(COTERIE_WEB)
  report["web"] = true;
#else
  report["web"] = false;
#endif
  auto warnings = nlohmann::json::array();
  if (report["reference_blas"].get<bool>())
    warnings.push_back(
        "libtorch runs on the reference BLAS, which is some 30 times slower: install "
        "libopenblas-dev");
  else if (report["matrix_gflops"].get<double>() < 10)
    warnings.push_back(fmt::format(
        "matrix products run at {:.1f} GFLOP/s only: is the machine busy, or its BLAS ({}) slow?",
        report["matrix_gflops"].get<double>(), report["blas"].get<std::string>()));
  const auto datasets = known_datasets();
  if (std::none_of(datasets.begin(), datasets.end(),
                   [](const KnownDataset& d) { return d.found.has_value(); }))
    warnings.push_back("no known data set is installed: install dataset-fashion-mnist to try one");
  report["warnings"] = warnings;
  if (session.json) {
    print_json(report);
    return 0;
  }
  const auto yes = [&](const char* key) { return report[key].get<bool>() ? "yes" : "no"; };
  fmt::print("coterie        {}\n", kVersion);
  fmt::print("threads        {}\n", thread_count());
  fmt::print("libtorch       {}\n", report["libtorch"].get<std::string>());
  fmt::print("BLAS           {} ({})\n", report["blas"].get<std::string>(),
             report["blas_path"].get<std::string>());
  fmt::print("matrix product {:.0f} GFLOP/s\n", report["matrix_gflops"].get<double>());
  const auto devices = report["cuda_devices"].get<std::vector<std::string>>();
  fmt::print("CUDA devices   {}\n", devices.empty() ? "none" : join(devices, ", "));
  fmt::print("image files    {}\n", yes("images"));
  fmt::print("FAISS          {}\n", yes("faiss"));
  fmt::print("report         {}\n", yes("web"));
  for (const auto& warning : warnings) fmt::print("warning: {}\n", warning.get<std::string>());
  if (warnings.empty()) fmt::print("All is well.\n");
  return 0;
}

}  // namespace

void add_methods_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("methods", "List the methods, or one with its parameters");
  auto only = std::make_shared<std::string>();
  command->add_option("NAME", *only, "Show one method with its parameters");
  add_json_option(*command, session);
  command->callback([only, &session] {
    session.action = [only, &session] { return list_methods(*only, session); };
  });
}

void add_datasets_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("datasets", "List the data sets known by name");
  add_json_option(*command, session);
  command->callback([&session] { session.action = [&session] { return list_datasets(session); }; });
}

void add_doctor_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("doctor", "Check what this machine and build can do");
  add_json_option(*command, session);
  command->callback([&session] { session.action = [&session] { return doctor(session); }; });
}

}  // namespace coterie
