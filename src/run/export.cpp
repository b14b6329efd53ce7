#include "coterie/run/export.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <unordered_map>
#include <utility>

#include "coterie/core/file_errors.h"
#include "coterie/core/file_moves.h"
#include "coterie/core/files.h"
#include "coterie/core/parallel.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/data/png.h"
#include "coterie/data/row_files.h"
#include "coterie/data/source.h"
#include "coterie/run/cluster.h"
#include "coterie/run/export_names.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::int64_t kPictures = 256;  // PNGs that are held at a time

/// Image i of a data set as the bytes of a PNG.
std::string png_of(const TrainingData& data, std::int64_t i) {
  const ImageShape& shape = data.shape;
  PngImage png{.width = shape.width, .height = shape.height, .channels = shape.channels};
  png.pixels.resize(static_cast<std::size_t>(shape.pixels()));
  const auto planes = data.image(i);
  const std::int64_t plane = shape.height * shape.width;
  for (std::int64_t c = 0; c < shape.channels; ++c)
    for (std::int64_t p = 0; p < plane; ++p)
      png.pixels[p * shape.channels + c] = planes[c * plane + p];
  return encode_png(png);
}

void check_target(const fs::path& to) {
  const std::string name = printable(to.native());
  std::error_code error;
  const auto status = fs::status(to, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() != fs::file_type::directory)
    throw UserError("--to {} is not a folder; choose another name", name);
  remove_abandoned_files(to);
  if (fs::is_empty(to, error) && !error) return;
  if (fs::exists(to / kJournalFile, error))
    throw UserError(
        "--to {} holds an export already; undo it with `coterie export --undo {}`, or choose "
        "another folder",
        name, name);
  throw UserError("--to {} is not empty; choose a new or empty folder", name);
}

/// Makes `folder` and what is missing above it. Returns what it made, outermost first.
std::vector<std::string> make_folders(const fs::path& folder) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path at = folder; !fs::exists(at, error); at = at.parent_path()) missing.push_back(at);
  std::vector<std::string> made;
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (::mkdir(at->c_str(), 0777) != 0) {
      const int cause = errno;
      for (auto last = made.rbegin(); last != made.rend(); ++last) fs::remove(*last, error);
      fail_on_file("create the folder", *at, cause);
    }
    made.push_back(at->native());
  }
  return made;
}

/// Where the images come from and what becomes of each.
class Plan {
 public:
  Plan(const ExportRequest& request, Progress& progress, const CancelToken& cancel)
      : form_(request.form), to_(absolute_path(request.to)), cancel_(cancel) {
    const RunFolder folder(request.run);
    const auto manifest = folder.read_finished_manifest();
    const std::string run = printable(request.run.native());
    if (manifest.at("input").at("kind") != "images")
      throw UserError(
          "the run in {} is on features: it has no images to put into folders; --as csv or "
          "--as jsonl write its clusters as a table",
          run);
    found_ = request.clusters ? *request.clusters : exported_clusters(folder);
    const fs::path source = path_from_json(manifest.at("input").at("source"));
    base_ = folder_of_row_files(source);
    if (base_) {
      check_outside(source);
      check_files();
    } else if (form_ != ExportForm::copy) {
      throw UserError(
          "the images of {} come from {}, which is no folder or list of image files: --as {} "
          "needs files; --as copy writes the images as PNG",
          run, printable(source.native()), name_of(form_));
    } else {
      loaded_ = open_run(request.run, progress, cancel);
    }
    journal_.form = form_;
    journal_.run = absolute_path(request.run).native();
    name_targets();
    make_steps();
  }

  ExportJournal& journal() { return journal_; }
  const fs::path& to() const { return to_; }

  void execute(Progress& progress) const {
    for (const auto& inner : journal_.folders)
      if (::mkdir((to_ / inner).c_str(), 0777) != 0)
        fail_on_file("create the folder", to_ / inner, errno);
    const auto count = static_cast<std::int64_t>(journal_.steps.size());
    progress.begin("exporting", count);
    std::vector<std::string> pictures;
    for (std::int64_t i = 0; i < count; ++i) {
      done_ = i;
      cancel_.check();
      if (loaded_ && i % kPictures == 0) pictures = pictures_from(i);
      execute(journal_.steps[i], loaded_ ? pictures[i % kPictures] : std::string());
      progress.update(i + 1);
    }
    done_ = count;
    flush_file_system(to_);
    progress.end();
  }
  std::int64_t done() const { return done_; }

 private:
  /// Images inside the input folder would be inputs of the next run.
  void check_outside(const fs::path& source) const {
    std::error_code error;
    if (!fs::is_directory(source, error)) return;
    const fs::path folder = fs::weakly_canonical(source, error),
                   to = fs::weakly_canonical(to_, error);
    const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), to.begin(), to.end());
    if (end == folder.end())
      throw UserError(
          "--to {} lies inside the images' own folder {}, where it would count as more images; "
          "choose a folder outside",
          printable(to_.native()), printable(source.native()));
  }

  fs::path file_of(std::size_t row) const { return *base_ / found_.paths[row]; }

  void check_files() const {
    constexpr std::size_t kShown = 3;
    std::size_t gone = 0;
    std::string first;
    for (std::size_t i = 0; i < found_.paths.size(); ++i) {
      struct stat info {};
      if (::stat(file_of(i).c_str(), &info) == 0 && S_ISREG(info.st_mode)) continue;
      if (++gone <= kShown) first += "\n  " + printable(file_of(i).native());
    }
    if (gone > 0)
      throw UserError(
          "{} of the run's {} images are not there any more; put them back, or cluster again. The "
          "first are:{}",
          gone, found_.paths.size(), first);
  }

  /// targets_[i] is where row i goes.
  void name_targets() {
    std::vector<std::vector<std::size_t>> members(static_cast<std::size_t>(found_.clusters));
    for (std::size_t i = 0; i < found_.paths.size(); ++i)
      members.at(static_cast<std::size_t>(found_.labels[i])).push_back(i);
    targets_.resize(found_.paths.size());
    const auto digits = std::to_string(found_.paths.size() - 1).size();
    for (std::size_t k = 0; k < members.size(); ++k) {
      if (members[k].empty()) continue;
      const std::string folder = cluster_folder_name(static_cast<std::int64_t>(k), found_.clusters,
                                                     found_.name_of(static_cast<std::int32_t>(k)));
      journal_.folders.push_back(folder);
      std::vector<std::string> names;
      for (const std::size_t i : members[k])
        names.push_back(base_ ? found_.paths[i] : fmt::format("{:0{}}.png", i, digits));
      names = names_in_folder(names);
      for (std::size_t m = 0; m < names.size(); ++m)
        targets_[members[k][m]] = folder + "/" + names[m];
    }
  }

  void make_steps() {
    if (form_ == ExportForm::move) return plan_moves();
    for (std::size_t i = 0; i < found_.paths.size(); ++i) {
      ExportStep step{.target = targets_[i]};
      if (!base_) {
        step.kind = ExportStep::Kind::write;
      } else if (form_ == ExportForm::symlink) {
        step.kind = ExportStep::Kind::link;
        step.now = file_of(i).native();
      } else {
        step.kind = ExportStep::Kind::copy;
        step.source = file_of(i).native();
      }
      journal_.steps.push_back(std::move(step));
    }
    if (base_) return;
    const auto count = static_cast<std::int64_t>(found_.paths.size());
    const TrainingData data = loaded_->dataset.training_data();
    parallel_for(count, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end && !cancel_.cancelled(); ++i)
        journal_.steps[i].now = sha256_hex(png_of(data, i));
    });
    cancel_.check();
  }

  /// Links among the images are made anew, as relative ones would lead nowhere from their new place
  /// and absolute ones may lead to a file that is moved, too.
  void plan_moves() {
    std::unordered_map<std::string, std::size_t> row_of;  // by the place of the file itself
    std::unordered_map<std::string, fs::path> canonical;  // of folders
    std::error_code error;
    for (std::size_t i = 0; i < found_.paths.size(); ++i) {
      const fs::path file = file_of(i);
      fs::path& folder = canonical[file.parent_path().native()];
      if (folder.empty()) folder = fs::canonical(file.parent_path(), error);
      const auto [known, is_new] = row_of.emplace((folder / file.filename()).native(), i);
      if (!is_new)
        throw UserError(
            "{} and {} are one file, which cannot move to two places; use --as symlink or --as "
            "copy",
            printable(found_.paths[known->second]), printable(found_.paths[i]));
    }
    for (std::size_t i = 0; i < found_.paths.size(); ++i) {
      const fs::path file = file_of(i);
      ExportStep step{
          .kind = ExportStep::Kind::move, .target = targets_[i], .source = file.native()};
      if (fs::is_symlink(file, error)) {
        const fs::path leads_to = fs::canonical(file, error);
        const auto moved = row_of.find(leads_to.native());
        step.kind = ExportStep::Kind::relink;
        step.was = fs::read_symlink(file, error).native();
        step.now = (moved == row_of.end() ? leads_to : to_ / targets_[moved->second]).native();
      }
      journal_.steps.push_back(std::move(step));
    }
  }

  std::vector<std::string> pictures_from(std::int64_t first) const {
    const std::int64_t count =
        std::min(kPictures, static_cast<std::int64_t>(found_.paths.size()) - first);
    std::vector<std::string> pictures(static_cast<std::size_t>(count));
    const TrainingData data = loaded_->dataset.training_data();
    parallel_for(count, 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) pictures[i] = png_of(data, first + i);
    });
    return pictures;
  }

  void execute(const ExportStep& step, const std::string& picture) const {
    const fs::path target = to_ / step.target;
    switch (step.kind) {
      case ExportStep::Kind::link:
        return place_link(step.now, target);
      case ExportStep::Kind::copy:
        return place_copy(step.source, target);
      case ExportStep::Kind::write:
        return place_bytes(picture, target);
      case ExportStep::Kind::move:
        return place_moved(step.source, target);
      case ExportStep::Kind::relink:
        place_link(step.now, target);
        if (::unlink(step.source.c_str()) != 0) fail_on_file("remove", step.source, errno);
    }
  }

  ExportForm form_;
  fs::path to_;
  const CancelToken& cancel_;
  ExportedClusters found_;
  std::optional<fs::path> base_;     // set where each row is a file
  std::optional<LoadedRun> loaded_;  // set where the images come from a pack
  std::vector<std::string> targets_;
  ExportJournal journal_;
  mutable std::int64_t done_ = 0;
};

}  // namespace

ExportResult export_folders(const ExportRequest& request, Progress& progress,
                            const CancelToken& cancel) {
  check_target(absolute_path(request.to));
  Plan plan(request, progress, cancel);
  ExportJournal& journal = plan.journal();
  journal.outer_folders = make_folders(plan.to());
  try {
    write_journal(plan.to(), journal);
  } catch (...) {
    std::error_code ignored;
    for (auto made = journal.outer_folders.rbegin(); made != journal.outer_folders.rend(); ++made)
      fs::remove(*made, ignored);
    throw;
  }
  const std::string undo =
      fmt::format("put all back with: coterie export --undo {}", printable(request.to.native()));
  try {
    plan.execute(progress);
  } catch (const UserError& error) {
    throw UserError("{}. {} of {} files are done; {}", error.what(), plan.done(),
                    journal.steps.size(), undo);
  } catch (const Interrupted&) {
    progress.warn(fmt::format("stopped with {} of {} files done; {}", plan.done(),
                              journal.steps.size(), undo));
    throw;
  }
  return {static_cast<std::int64_t>(journal.steps.size()),
          static_cast<std::int64_t>(journal.folders.size())};
}

}  // namespace coterie
