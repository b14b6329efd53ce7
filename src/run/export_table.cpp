#include "coterie/run/export_table.h"

#include <optional>
#include <utility>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/labels.h"
#include "coterie/data/row_files.h"
#include "coterie/data/source.h"
#include "coterie/data/truth_folders.h"
#include "coterie/run/export_names.h"
#include "coterie/run/run_folder.h"
#include "coterie/run/settings.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

struct Tabled {
  ExportedClusters found;
  std::optional<fs::path> base;  // set where each row is a file
  std::string source;
  RunSettings settings;
};

Tabled read_run(const fs::path& path, std::optional<ExportedClusters> clusters) {
  const RunFolder folder(path);
  const auto manifest = folder.read_finished_manifest();
  Tabled run{.found = clusters ? std::move(*clusters) : exported_clusters(folder)};
  run.source = path_from_json(manifest.at("input").at("source"));
  run.settings = settings_from_json(manifest.at("settings"));
  if (manifest.at("input").at("kind") == "images") run.base = folder_of_row_files(run.source);
  return run;
}

void write_csv(const Tabled& run, AtomicFile& out) {
  const auto& [paths, labels, confidences, clusters, names] = run.found;
  out.write(names.empty() ? "path,cluster,confidence\n" : "path,cluster,confidence,name\n");
  for (std::size_t i = 0; i < paths.size(); ++i) {
    out.write(fmt::format("{},{},{:.6f}", csv_field(paths[i]), labels[i], confidences[i]));
    if (!names.empty()) out.write(fmt::format(",{}", csv_field(run.found.name_of(labels[i]))));
    out.write("\n");
  }
}

void write_jsonl(const Tabled& run, AtomicFile& out) {
  const ExportedClusters& found = run.found;
  for (std::size_t i = 0; i < found.paths.size(); ++i) {
    nlohmann::json line = {{"id", i},
                           {"path", path_to_json(found.paths[i])},
                           {"cluster", found.labels[i]},
                           {"confidence", found.confidences[i]}};
    if (run.base) line["file"] = path_to_json((*run.base / found.paths[i]).native());
    if (auto name = found.name_of(found.labels[i]); !name.empty()) line["name"] = std::move(name);
    out.write(line.dump() + "\n");
  }
}

/// Classes of the rows by the run's own ground truth; without any where it has none, or it cannot
/// be read any more.
Dataset truth_of(const Tabled& run, Progress& progress) {
  Dataset known;
  known.paths = run.found.paths;
  known.source = run.source;
  const std::string& labels = run.settings.load.labels;
  if (labels == kFolderLabels) {
    Truth truth = encode_truth(truth_folder_of(known.paths));
    known.truth = std::move(truth.labels);
    known.class_names = std::move(truth.class_names);
  } else if (!labels.empty()) {
    try {
      attach_truth(known, labels);
    } catch (const UserError& error) {
      progress.warn(fmt::format("ground truth is left out: {}", error.what()));
    }
  }
  return known;
}

void check_for_fiftyone(const Tabled& run, const fs::path& path) {
  if (!run.base)
    throw UserError(
        "--as fiftyone lists image files, and those of {} are none: they come from {}; write them "
        "first with --as copy and cluster these",
        printable(path.native()), printable(run.source));
  for (const auto& image : run.found.paths)
    if (const std::string file = (*run.base / image).native(); !is_utf8(file))
      throw UserError(
          "FiftyOne takes names in UTF-8, and {} is none; rename the file and cluster again, or "
          "use "
          "--as csv",
          printable(file));
}

/// A label as FiftyOne stores it.
nlohmann::json classification(const std::string& label) {
  return {{"_cls", "Classification"}, {"label", label}};
}

void write_samples(const Tabled& run, AtomicFile& out, Progress& progress) {
  const Dataset known = truth_of(run, progress);
  out.write("{\"samples\": [");
  const ExportedClusters& found = run.found;
  for (std::size_t i = 0; i < found.paths.size(); ++i) {
    const std::string name = found.name_of(found.labels[i]);
    nlohmann::json sample = {
        {"filepath", (*run.base / found.paths[i]).native()},
        {"tags", nlohmann::json::array()},
        {"coterie_id", i},
        {"prediction",
         classification(name.empty() ? cluster_folder_name(found.labels[i], found.clusters)
                                     : name)}};
    sample["prediction"]["confidence"] = found.confidences[i];
    if (known.has_truth())
      sample["ground_truth"] =
          classification(known.class_names[static_cast<std::size_t>(known.truth[i])]);
    out.write((i == 0 ? "\n" : ",\n") +
              sample.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  out.write("\n]}\n");
}

}  // namespace

fs::path export_table(const fs::path& path, const fs::path& to, TableForm form, Progress& progress,
                      std::optional<ExportedClusters> clusters) {
  const Tabled run = read_run(path, std::move(clusters));
  const fs::path file = form == TableForm::fiftyone ? to / "samples.json" : to;
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(file, ignored)))
    throw UserError(
        "{} is there already; nothing is overwritten: remove it, or choose another --to",
        printable(file.native()));
  if (form == TableForm::fiftyone) {
    check_for_fiftyone(run, path);
    create_folder(to);
  }
  AtomicFile out(file);
  switch (form) {
    case TableForm::csv:
      write_csv(run, out);
      break;
    case TableForm::jsonl:
      write_jsonl(run, out);
      break;
    case TableForm::fiftyone:
      write_samples(run, out, progress);
      break;
  }
  out.commit();
  return file;
}

}  // namespace coterie
