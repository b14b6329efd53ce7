#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/run/predict.h"
#include "coterie/run/settings.h"
#include "path_stream.h"
#include "results.h"

namespace coterie {
namespace {

constexpr std::size_t kStreamBatch = 64;  // files that are decoded and labelled together
constexpr const char* kColumns = "path,label,confidence,distance,outlier";

struct PredictOptions {
  std::string run, input, out;
  DataOptions data;
  double percentile = 99;
  bool no_distance = false;
  bool nul = false;
  bool strict = false;
};

std::string csv_of(const std::string& path, const Prediction& found) {
  std::string line = fmt::format("{},{},{:.6f},", csv_field(path), found.label, found.confidence);
  // Nothing where nothing was measured: a cluster without training rows, or training data gone.
  if (std::isnan(found.distance)) return line + ",";
  return line + fmt::format("{:.6f},{}", found.distance, found.outlier);
}

nlohmann::json json_of(const std::string& path, const Prediction& found) {
  nlohmann::json json = {
      {"path", path_to_json(path)}, {"label", found.label}, {"confidence", found.confidence}};
  const bool measured = !std::isnan(found.distance);
  json["distance"] = measured ? nlohmann::json(found.distance) : nlohmann::json();
  json["outlier"] = measured ? nlohmann::json(found.outlier) : nlohmann::json();
  return json;
}

nlohmann::json kind_of(const Predictor& predictor) {
  const auto kind = predictor.distance_kind();
  return kind ? nlohmann::json(name_of(*kind)) : nlohmann::json();
}

Predictor ready_predictor(const PredictOptions& options, Console& console,
                          const CancelToken& cancel) {
  Predictor predictor(options.run);
  tell_of_corrections(options.run, console);
  if (!options.no_distance) predictor.measure_distances(options.percentile, console, cancel);
  return predictor;
}

int predict_input(const PredictOptions& options, Session& session) {
  if (options.nul) throw UserError("-0 says how paths from stdin end: it needs - as INPUT");
  Console console(session.quiet);
  const Predictor predictor = ready_predictor(options, console, *session.cancel);
  const Dataset dataset =
      predictor.load(options.input, load_options(options.data), console, *session.cancel);
  const auto found = predictor.predict(dataset.training_data(), console, *session.cancel);
  if (!dataset.bad_files.empty()) {
    console.warn(fmt::format("{} of the files cannot be used:", dataset.bad_files.size()));
    for (const auto& bad : dataset.bad_files)
      console.warn(fmt::format("  {}: {}", printable(bad.path), bad.cause));
  }
  std::string csv;
  if (!session.json || !options.out.empty()) {
    csv = fmt::format("{}\n", kColumns);
    for (std::size_t i = 0; i < found.size(); ++i) csv += csv_of(dataset.paths[i], found[i]) + "\n";
  }
  if (!options.out.empty()) write_file(options.out, csv);
  if (session.json) {
    auto rows = nlohmann::json::array();
    for (std::size_t i = 0; i < found.size(); ++i)
      rows.push_back(json_of(dataset.paths[i], found[i]));
    print_json({{"method", predictor.method()},
                {"k", predictor.clusters()},
                {"n", found.size()},
                {"distance", kind_of(predictor)},
                {"predictions", rows},
                {"bad_files", bad_files_json(dataset.bad_files)},
                {"seconds", steady_seconds() - session.started}});
  } else if (options.out.empty()) {
    std::fwrite(csv.data(), 1, csv.size(), stdout);
  }
  return options.strict && !dataset.bad_files.empty() ? 3 : 0;
}

int predict_stream(const PredictOptions& options, Session& session) {
  if (!options.out.empty())
    throw UserError("--out goes with an INPUT that is a path; send the stream's lines with > {}",
                    printable(options.out));
  Console console(session.quiet);
  const Predictor predictor = ready_predictor(options, console, *session.cancel);
  const LoadOptions limits = load_options(options.data);
  predict_files(predictor, {}, limits, *session.cancel);  // Refused now, not at the first path.
  if (!session.json) fmt::print("{},cause\n", kColumns);
  std::fflush(stdout);
  PathStream paths(STDIN_FILENO, options.nul ? '\0' : '\n');
  bool left_out = false;
  for (;;) {
    const auto batch = paths.next(kStreamBatch, *session.cancel);
    if (batch.empty()) break;
    for (const auto& file : predict_files(predictor, batch, limits, *session.cancel)) {
      left_out |= !file.found;
      if (session.json)
        print_json(file.found
                       ? json_of(file.path, *file.found)
                       : nlohmann::json{{"path", path_to_json(file.path)}, {"cause", file.cause}});
      else if (file.found)
        fmt::print("{},\n", csv_of(file.path, *file.found));
      else
        fmt::print("{},,,,,{}\n", csv_field(file.path), csv_field(file.cause));
    }
    if (std::fflush(stdout) != 0) break;  // main says why.
  }
  return options.strict && left_out ? 3 : 0;
}

}  // namespace

void add_predict_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("predict", "Label new data with a finished run's model (csv)");
  auto options = std::make_shared<PredictOptions>();
  command->add_option("RUN", options->run, "Run folder")->required();
  command
      ->add_option("INPUT", options->input,
                   "As for `coterie cluster`; or - for paths of image files from stdin, each of "
                   "which is labelled as it comes")
      ->required();
  command->add_flag("-0,--null", options->nul, "Paths from stdin end with NUL, not with a line");
  command->add_option("--out", options->out, "Write the csv to a file instead of stdout")
      ->type_name("FILE");
  command
      ->add_option("--outlier-percentile", options->percentile,
                   "Data farther from its cluster than this percentage of the cluster's training "
                   "data is marked as outlier. Distances are 1 - cosine to the cluster's mean "
                   "embedding; Euclidean to its mean where features or pixels were clustered")
      ->type_name("P")
      ->capture_default_str();
  command->add_flag("--no-distance", options->no_distance,
                    "Leave distance and outlier empty: saves reading the training data's rows");
  command->add_flag("--strict", options->strict, "Exit with 3 where files were left out");
  add_data_options(*command, options->data);
  command->remove_option(command->get_option("--image-size"));  // The model says them.
  command->remove_option(command->get_option("--channels"));
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] {
      if (!(options->percentile > 0 && options->percentile <= 100))
        throw UserError("--outlier-percentile {} is out of range: allowed is above 0, up to 100",
                        options->percentile);
      return options->input == "-" ? predict_stream(*options, session)
                                   : predict_input(*options, session);
    };
  });
}

}  // namespace coterie
