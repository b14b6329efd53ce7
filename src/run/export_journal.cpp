#include "coterie/run/export_journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/run/settings.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr int kFormat = 1;
constexpr const char* kKinds[] = {"link", "copy", "write", "move", "relink"};
constexpr const char* kForms[] = {"symlink", "copy", "move"};

/// The place of `name` among `names`; throws std::out_of_range where it is none of them.
template <class Names>
std::size_t place_of(const Names& names, const std::string& name) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (name == names[i]) return i;
  throw std::out_of_range(name);
}

nlohmann::json to_json(const std::vector<std::string>& paths) {
  auto json = nlohmann::json::array();
  for (const auto& path : paths) json.push_back(path_to_json(path));
  return json;
}

/// A path inside the export's folder; what leads out of it was not written by us.
std::string inner_path(const nlohmann::json& json) {
  std::string path = path_from_json(json);
  const fs::path parts(path);
  if (path.empty() || parts.is_absolute() ||
      std::find(parts.begin(), parts.end(), "..") != parts.end())
    throw std::out_of_range(printable(path));
  return path;
}

std::vector<std::string> paths_from(const nlohmann::json& json) {
  std::vector<std::string> paths;
  for (const auto& path : json) paths.push_back(path_from_json(path));
  return paths;
}

nlohmann::json to_json(const ExportStep& step) {
  nlohmann::json json = {{"do", kKinds[static_cast<int>(step.kind)]},
                         {"target", path_to_json(step.target)}};
  if (!step.source.empty()) json["source"] = path_to_json(step.source);
  if (!step.was.empty()) json["was"] = path_to_json(step.was);
  if (!step.now.empty()) json["now"] = path_to_json(step.now);
  return json;
}

ExportStep step_from(const nlohmann::json& json) {
  const auto text = [&](const char* key) {
    return json.contains(key) ? path_from_json(json.at(key)) : std::string();
  };
  ExportStep step;
  step.kind = static_cast<ExportStep::Kind>(place_of(kKinds, json.at("do").get<std::string>()));
  step.target = inner_path(json.at("target"));
  step.source = text("source");
  step.was = text("was");
  step.now = text("now");
  return step;
}

}  // namespace

const char* name_of(ExportForm form) { return kForms[static_cast<int>(form)]; }

void write_journal(const fs::path& folder, const ExportJournal& journal) {
  AtomicFile out(folder / kJournalFile);
  const nlohmann::json head = {{"coterie", kVersion},
                               {"format", kFormat},
                               {"form", name_of(journal.form)},
                               {"run", path_to_json(journal.run)},
                               {"outer_folders", to_json(journal.outer_folders)},
                               {"folders", to_json(journal.folders)},
                               {"steps", journal.steps.size()}};
  out.write(head.dump() + "\n");
  for (const auto& step : journal.steps) out.write(to_json(step).dump() + "\n");
  out.commit();
}

ExportJournal read_journal(const fs::path& folder) {
  const fs::path path = folder / kJournalFile;
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw UserError("{} holds no export to undo: there is no {} in it; give the folder of --to",
                    printable(folder.native()), kJournalFile);
  const std::string text = read_file(path);
  ExportJournal journal;
  std::size_t steps = 0;
  std::int64_t line = 0;
  try {
    for (std::size_t begin = 0; begin < text.size();) {
      ++line;
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const auto json = nlohmann::json::parse(text.substr(begin, end - begin));
      begin = end + 1;
      if (line > 1) {
        journal.steps.push_back(step_from(json));
        continue;
      }
      if (json.at("format") != kFormat) throw std::out_of_range("format");
      journal.form = static_cast<ExportForm>(place_of(kForms, json.at("form").get<std::string>()));
      journal.run = path_from_json(json.at("run"));
      journal.outer_folders = paths_from(json.at("outer_folders"));
      for (const auto& inner : json.at("folders")) journal.folders.push_back(inner_path(inner));
      json.at("steps").get_to(steps);
    }
  } catch (const std::exception& error) {
    throw UserError("{} is damaged at line {} ({}); nothing was undone", printable(path.native()),
                    line, error.what());
  }
  if (line == 0 || journal.steps.size() != steps)
    throw UserError("{} is damaged: it holds {} of {} steps; nothing was undone",
                    printable(path.native()), journal.steps.size(), steps);
  return journal;
}

}  // namespace coterie
