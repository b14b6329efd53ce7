#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace coterie {

/// One file folder per cluster: of links to the images, copies of them, or the images themselves.
enum class ExportForm { symlink, copy, move };
const char* name_of(ExportForm form);

/// One file that an export makes. Paths are bytes.
struct ExportStep {
  /// link: a link at `target` that holds the text `now`.
  /// copy: a copy of `source`.
  /// write: a PNG whose SHA-256 is `now`.
  /// move: `source` itself.
  /// relink: `source` is a link that held the text `was` and is replaced by one at `target` that
  /// holds `now`.
  enum class Kind { link, copy, write, move, relink };
  Kind kind = Kind::link;
  std::string target;  ///< relative to the export's folder
  std::string source;  ///< absolute; empty for `write`
  std::string was, now;
  bool operator==(const ExportStep&) const = default;
};

/// What an export is going to do, on disk before it does any of it: from this every state that a
/// crash leaves can be told and undone. A line of JSON for the whole, then one for each step.
struct ExportJournal {
  ExportForm form = ExportForm::symlink;
  std::string run;                         ///< absolute path of the run folder
  std::vector<std::string> outer_folders;  ///< made for it, absolute, outermost first
  std::vector<std::string> folders;        ///< made inside, relative to the export's folder
  std::vector<ExportStep> steps;
};

inline constexpr const char* kJournalFile = "coterie-undo.jsonl";

/// Writes the journal into the export's folder, atomically. Throws UserError where the disk
/// refuses.
void write_journal(const std::filesystem::path& folder, const ExportJournal& journal);

/// Throws UserError where the folder holds none or it is damaged, naming the line.
ExportJournal read_journal(const std::filesystem::path& folder);

}  // namespace coterie
