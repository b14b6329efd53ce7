#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "commands.h"
#include "console.h"
#if defined(COTERIE_WEB)
#include "coterie/annotate/transfer.h"
#endif
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/run/export.h"
#include "coterie/run/export_model.h"
#include "coterie/run/export_table.h"
#include "results.h"

namespace coterie {
namespace {

constexpr std::pair<const char*, ExportForm> kFolderForms[] = {
    {"symlink", ExportForm::symlink}, {"copy", ExportForm::copy}, {"move", ExportForm::move}};
constexpr std::pair<const char*, TableForm> kTableForms[] = {
    {"csv", TableForm::csv}, {"jsonl", TableForm::jsonl}, {"fiftyone", TableForm::fiftyone}};

constexpr std::pair<const char*, ModelForm> kModelForms[] = {
    {"torchscript", ModelForm::torchscript}, {"safetensors", ModelForm::safetensors}};

struct ExportOptions {
  std::string run, to, form, model, undo;
  bool yes = false, original = false;
};

/// The clusters as people left them, unless the run's own are asked for.
std::optional<ExportedClusters> clusters_to_export(const ExportOptions& options, Console& console) {
  if (options.original) return std::nullopt;
#if defined(COTERIE_WEB)
  auto corrected = corrected_clusters(options.run);
  if (corrected)
    console.warn(
        "these are the clusters as they were left in `coterie annotate`; --original gives those of "
        "the run itself");
  return corrected;
#else
  if (path_exists(std::filesystem::path(options.run) / "constraints.db"))
    console.warn("this build has no annotator: its corrections and names are left out");
  return std::nullopt;
#endif
}

/// Whether a person at the terminal agrees.
bool agreed(const std::string& question) {
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void confirm_move(const ExportOptions& options) {
  if (options.yes) return;
  if (isatty(STDIN_FILENO) != 1)
    throw UserError(
        "--as move takes the images out of their folder; say --yes to that, or use --as symlink");
  if (!agreed(fmt::format("Move the images of {} out of their folder into {}?",
                          printable(options.run), printable(options.to))))
    throw UserError("nothing was moved");
}

int make_folders(const ExportOptions& options, ExportForm form, Session& session) {
  Console console(session.quiet);
  if (form == ExportForm::move) confirm_move(options);
  auto clusters = clusters_to_export(options, console);
  const ExportResult made = export_folders({options.run, options.to, form, std::move(clusters)},
                                           console, *session.cancel);
  if (session.json) {
    print_json({{"run", path_to_json(options.run)},
                {"to", path_to_json(options.to)},
                {"as", name_of(form)},
                {"n", made.files},
                {"folders", made.clusters},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}: {} files in {} folders\nundo:  coterie export --undo {}\n",
               printable(options.to), made.files, made.clusters, printable(options.to));
  }
  return 0;
}

/// Says which file was written, in which form.
int report_file(const ExportOptions& options, const std::filesystem::path& file,
                const std::string& form, const Session& session) {
  if (session.json) {
    print_json({{"run", path_to_json(options.run)},
                {"file", path_to_json(file.native())},
                {"as", form},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}\n", printable(file.native()));
  }
  return 0;
}

int undo(const std::string& folder, Session& session) {
  Console console(session.quiet);
  const UndoResult result = undo_export(folder, console, *session.cancel);
  for (const auto& left : result.left)
    console.warn(fmt::format("{}: {}", printable(left.path), left.cause));
  if (session.json) {
    print_json({{"folder", path_to_json(folder)},
                {"undone", result.undone},
                {"left", bad_files_json(result.left)},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}: {} undone, {} left alone\n", printable(folder), result.undone,
               result.left.size());
  }
  return result.left.empty() ? 0 : 3;
}

template <class Form, std::size_t N>
const Form* form_of(const std::pair<const char*, Form> (&forms)[N], const std::string& name) {
  for (const auto& [known, form] : forms)
    if (name == known) return &form;
  return nullptr;
}

int run_export(const ExportOptions& options, Session& session) {
  if (!options.undo.empty()) {
    if (!options.run.empty() || !options.to.empty() || !options.form.empty() ||
        !options.model.empty() || options.original)
      throw UserError("--undo {} takes the folder of an export and nothing else",
                      printable(options.undo));
    return undo(options.undo, session);
  }
  if (options.run.empty()) throw UserError("RUN is missing: give a run folder, or --undo DIR");
  if (options.to.empty()) throw UserError("--to is missing: give the folder or file to write");
  if (options.form.empty() == options.model.empty())
    throw UserError(
        "give one of --as (symlink, copy, move, csv, jsonl, fiftyone) and --model (torchscript, "
        "safetensors)");
  if (options.original && !options.model.empty())
    throw UserError("--original is of the clusters; a --model is what the run trained in any case");
  if (const auto* form = form_of(kModelForms, options.model))
    return report_file(options, export_model(options.run, options.to, *form), options.model,
                       session);
  if (const auto* form = form_of(kFolderForms, options.form))
    return make_folders(options, *form, session);
  Console console(session.quiet);
  const auto file = export_table(options.run, options.to, *form_of(kTableForms, options.form),
                                 console, clusters_to_export(options, console));
  return report_file(options, file, options.form, session);
}

}  // namespace

void add_export_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "export",
      "Put the images into one folder per cluster, or write the clusters or the model for other "
      "programs");
  auto options = std::make_shared<ExportOptions>();
  command->add_option("RUN", options->run, "Run folder");
  command->add_option("--to", options->to, "New folder to make, or for csv and jsonl a new file")
      ->type_name("PATH");
  command
      ->add_option("--as", options->form,
                   "One folder per cluster of symlinks, of copies (PNGs where the images are no "
                   "files of their own), or of the images themselves (move); or a csv, JSON lines, "
                   "or a samples.json for FiftyOne")
      ->check(CLI::IsMember({"symlink", "copy", "move", "csv", "jsonl", "fiftyone"}))
      ->type_name("FORM");
  command
      ->add_option("--model", options->model,
                   "The trained model for other programs: as a TorchScript program (methods whose "
                   "network has a cluster head), or its tensors as safetensors; with a model.json")
      ->check(CLI::IsMember({"torchscript", "safetensors"}))
      ->type_name("FORM");
  command->add_flag("--yes", options->yes, "Move without asking");
  command->add_flag("--original", options->original,
                    "The clusters as the run found them, without what people corrected, named and "
                    "trained in `coterie annotate`");
  command
      ->add_option("--undo", options->undo,
                   "Put back what an export into this folder did. What was changed since is left "
                   "alone and listed (exit code 3)")
      ->type_name("DIR");
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return run_export(*options, session); };
  });
}

}  // namespace coterie
