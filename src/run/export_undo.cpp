#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "coterie/core/file_errors.h"
#include "coterie/core/file_moves.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/run/export.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using Kind = ExportStep::Kind;

enum class There { nothing, file, link, other };

There what_is(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return There::nothing;
  if (S_ISREG(info.st_mode)) return There::file;
  return S_ISLNK(info.st_mode) ? There::link : There::other;
}

bool is_link_to(const fs::path& path, const std::string& text) {
  std::error_code error;
  return what_is(path) == There::link && fs::read_symlink(path, error).native() == text;
}

void remove_file(const fs::path& path) {
  if (::unlink(path.c_str()) != 0) fail_on_file("remove", path, errno);
}

/// A power cut may leave the name of a new file without its bytes: nothing is lost with it.
bool has_no_bytes(const fs::path& file) {
  std::error_code error;
  return fs::file_size(file, error) == 0;
}

/// Each of these undoes a step in whatever state it is, also not begun or undone already. Returns
/// why it leaves something alone; empty where all is as before.
std::string undo_link(const fs::path& target, const ExportStep& step) {
  if (what_is(target) == There::nothing) return "";
  if (!is_link_to(target, step.now)) return "it is not the link that was made; it stays";
  remove_file(target);
  return "";
}

std::string undo_copy(const fs::path& target, const ExportStep& step) {
  if (what_is(target) == There::nothing) return "";
  if (what_is(target) != There::file) return "it is not the copy that was made; it stays";
  std::error_code error;
  if (!fs::exists(step.source, error)) return "its original is gone; the copy stays";
  if (!has_no_bytes(target) && !same_content(target, step.source))
    return "it differs from its original; it stays";
  remove_file(target);
  return "";
}

std::string undo_write(const fs::path& target, const ExportStep& step) {
  if (what_is(target) == There::nothing) return "";
  if (what_is(target) != There::file || (!has_no_bytes(target) && sha256_file(target) != step.now))
    return "it is not the picture that was written; it stays";
  remove_file(target);
  return "";
}

std::string undo_move(const fs::path& target, const ExportStep& step) {
  const There moved = what_is(target), original = what_is(step.source);
  if (moved == There::nothing)
    return original == There::nothing ? "it is neither here nor where it came from" : "";
  if (moved != There::file) return "it is not the file that was moved; it stays";
  if (original == There::nothing) {
    create_folder(fs::path(step.source).parent_path());
    place_moved(target, step.source);
    return "";
  }
  // A crash between copy and removal leaves both.
  if (original != There::file || !same_content(target, step.source))
    return "where it came from is another file now; it stays";
  remove_file(target);
  return "";
}

std::string undo_relink(const fs::path& target, const ExportStep& step) {
  const There original = what_is(step.source);
  const bool made = is_link_to(target, step.now);
  if (!made && what_is(target) != There::nothing)
    return "it is not the link that was made; it stays";
  if (!made && original == There::nothing) return "it is neither here nor where it came from";
  if (original == There::nothing) {
    create_folder(fs::path(step.source).parent_path());
    place_link(step.was, step.source);
  } else if (made && !is_link_to(step.source, step.was)) {
    return "where it came from is another file now; it stays";
  }
  if (made) remove_file(target);
  return "";
}

std::string undo_step(const fs::path& folder, const ExportStep& step) {
  const fs::path target = folder / step.target;
  switch (step.kind) {
    case Kind::link:
      return undo_link(target, step);
    case Kind::copy:
      return undo_copy(target, step);
    case Kind::write:
      return undo_write(target, step);
    case Kind::move:
      return undo_move(target, step);
    case Kind::relink:
      return undo_relink(target, step);
  }
  throw std::logic_error("a step of no kind");
}

/// Removes a folder where it is empty.
void remove_empty(const fs::path& folder) { ::rmdir(folder.c_str()); }

}  // namespace

UndoResult undo_export(const fs::path& folder, Progress& progress, const CancelToken& cancel) {
  const ExportJournal journal = read_journal(folder);
  UndoResult result;
  std::set<fs::path> changed = {folder};  // folders to flush
  progress.begin("undoing the export", static_cast<std::int64_t>(journal.steps.size()));
  for (auto step = journal.steps.rbegin(); step != journal.steps.rend(); ++step) {
    cancel.check();
    if (std::string why = undo_step(folder, *step); !why.empty()) {
      result.left.push_back({(folder / step->target).native(), std::move(why)});
    } else {
      progress.update(++result.undone);
      changed.insert((folder / step->target).parent_path());
      if (!step->source.empty()) changed.insert(fs::path(step->source).parent_path());
    }
  }
  for (const auto& inner : journal.folders) {
    ::unlink((folder / inner / kPartialFile).c_str());
    remove_empty(folder / inner);
  }
  for (const auto& each : changed) flush_folder(each);
  progress.end();
  if (!result.left.empty()) return result;
  remove_file(folder / kJournalFile);
  for (auto made = journal.outer_folders.rbegin(); made != journal.outer_folders.rend(); ++made)
    remove_empty(*made);
  return result;
}

}  // namespace coterie
