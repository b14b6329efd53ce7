#include "coterie/run/export.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "coterie/run/cluster.h"
#include "data/png_reader.h"
#include "idx_bytes.h"
#include "run/made_run.h"
#include "small_disk.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// Calls `act` when so many files are done.
class At : public Progress {
 public:
  At(std::int64_t files, std::function<void()> act) : files_(files), act_(std::move(act)) {}
  void update(std::int64_t done, std::string_view) override {
    if (done == files_) act_();
  }

 private:
  std::int64_t files_;
  std::function<void()> act_;
};

class Export : public ::testing::Test {
 protected:
  /// Files of odd names in three clusters: names that are equal in different folders, quotes, line
  /// breaks, bytes that are not UTF-8, and blanks.
  void make_photos(std::int64_t count, std::size_t bytes = 0) {
    std::vector<AssignedRow> rows;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string tails[] = {"\u00fc\u4e16.jpg", " \"q'\n.jpg",  std::string("\xe9\xff.png"),
                                   "-same.jpg",        ".tar.gz.jpeg", " $(x); & *.webp"};
      std::string path = fmt::format("f{}/", i % 97);
      path += i % 6 == 3 ? fmt::format("x{}", i / 200) : fmt::format("n{}", i);
      path += tails[i % 6];
      std::string content = fmt::format("file {}", i);
      content.resize(std::max(content.size(), bytes), '.');
      write_bytes(photos() / path, content);
      rows.push_back({path, static_cast<std::int32_t>(i * 7919 % 3), 0.5f, 0});
    }
    write_made_run(run(), photos(), rows, 3);
  }

  fs::path photos() const { return folder_ / "photos"; }
  fs::path run() const { return folder_ / "run"; }
  fs::path out() const { return folder_ / "out"; }
  std::map<std::string, std::string> tree() const { return tree_of(folder_.path()); }

  ExportResult make(ExportForm form) { return make(form, out()); }
  ExportResult make(ExportForm form, const fs::path& to) {
    return export_folders({run(), to, form}, progress_, cancel_);
  }
  UndoResult undo() { return undo_export(out(), progress_, cancel_); }

  TemporaryFolder folder_;
  Warnings progress_;
  CancelToken cancel_;
};

using SlowExport = Export;

TEST_F(SlowExport, TenThousandOddNamesGoOutAndComeBack) {
  make_photos(10'000);
  const auto before = tree();
  for (const ExportForm form : {ExportForm::symlink, ExportForm::copy, ExportForm::move}) {
    SCOPED_TRACE(name_of(form));
    const ExportResult made = make(form);
    EXPECT_EQ(made.files, 10'000);
    EXPECT_EQ(made.clusters, 3);
    // Every image is there once, in the folder of its cluster, with its own bytes.
    std::vector<int> seen(10'000);
    for (const auto& entry : fs::recursive_directory_iterator(out())) {
      if (entry.is_directory() || entry.path().filename() == kJournalFile) continue;
      const std::int64_t i = std::stoll(read_bytes(entry.path()).substr(5));
      ++seen[i];
      EXPECT_EQ(entry.path().parent_path().filename(), fmt::format("cluster-0{}", i * 7919 % 3));
      EXPECT_EQ(entry.is_symlink(), form == ExportForm::symlink);
    }
    EXPECT_EQ(seen, std::vector<int>(10'000, 1));
    if (form == ExportForm::move) {
      for (const auto& entry : fs::recursive_directory_iterator(photos()))
        EXPECT_TRUE(entry.is_directory()) << entry.path();
    }
    const UndoResult undone = undo();
    EXPECT_EQ(undone.undone, 10'000);
    EXPECT_TRUE(undone.left.empty());
    EXPECT_EQ(tree(), before);
  }
}

TEST_F(Export, AStoppedExportIsUndone) {
  make_photos(60);
  const auto before = tree();
  for (const ExportForm form : {ExportForm::symlink, ExportForm::copy, ExportForm::move}) {
    CancelToken cancel;
    At stop(25, [&] { cancel.cancel(); });
    EXPECT_THROW(export_folders({run(), out(), form}, stop, cancel), Interrupted);
    EXPECT_NE(tree(), before);
    EXPECT_TRUE(undo().left.empty());
    EXPECT_EQ(tree(), before);
  }
}

TEST_F(Export, ClustersThatPeopleLeftAreExportedInsteadOfTheRuns) {
  make_photos(6);
  const auto before = tree();
  ExportedClusters left = exported_clusters(RunFolder(run()));
  left.labels = {4, 0, 0, 0, 0, 4};
  left.clusters = 5;
  left.names[4] = "a/b";
  const ExportRequest request{run(), out(), ExportForm::symlink, left};
  EXPECT_EQ(export_folders(request, progress_, cancel_).clusters, 2);
  const auto names = [](const fs::path& folder) {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder)) all.insert(entry.path().filename());
    return all;
  };
  EXPECT_EQ(names(out()), (std::set<std::string>{"cluster-00", "cluster-04-a_b", kJournalFile}));
  EXPECT_EQ(names(out() / "cluster-04-a_b").size(), 2u);
  EXPECT_TRUE(undo().left.empty());
  EXPECT_EQ(tree(), before);
}

TEST_F(Export, AKilledExportIsUndoneAndSoIsAKilledUndo) {
  make_photos(60);
  const auto before = tree();
  const auto killed = [](auto&& work) {
    const pid_t child = fork();
    if (child == 0) {
      At die(25, [] { raise(SIGKILL); });
      work(die);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  };
  for (const ExportForm form : {ExportForm::symlink, ExportForm::copy, ExportForm::move}) {
    ASSERT_TRUE(killed([&](Progress& p) { export_folders({run(), out(), form}, p, cancel_); }));
    write_bytes(out() / "cluster-00" / ".coterie-partial", "half");
    ASSERT_TRUE(killed([&](Progress& p) { undo_export(out(), p, cancel_); }));
    EXPECT_NE(tree(), before);
    EXPECT_TRUE(undo().left.empty());
    EXPECT_EQ(tree(), before);
  }
}

TEST_F(Export, WhatWasChangedSinceIsLeftAlone) {
  make_photos(12);
  make(ExportForm::copy);
  const auto journal = read_journal(out());
  const fs::path changed = out() / journal.steps[0].target;
  const fs::path alone = out() / journal.steps[1].target;  // its original goes
  const fs::path gone = out() / journal.steps[2].target;
  write_bytes(changed, "edited");
  fs::remove(journal.steps[1].source);
  fs::remove(gone);
  write_bytes(out() / "cluster-00" / "mine.txt", "mine");
  const UndoResult undone = undo();
  ASSERT_EQ(undone.left.size(), 2u);
  EXPECT_EQ(undone.left[0].path, alone.native());
  EXPECT_CONTAINS(undone.left[0].cause, "original is gone");
  EXPECT_EQ(undone.left[1].path, changed.native());
  EXPECT_CONTAINS(undone.left[1].cause, "differs");
  EXPECT_EQ(read_bytes(changed), "edited");
  EXPECT_TRUE(fs::exists(alone));
  EXPECT_EQ(read_bytes(out() / "cluster-00" / "mine.txt"), "mine");
  // Put right by hand, the rest can be undone; what is not ours stays.
  fs::remove(changed);
  fs::remove(alone);
  EXPECT_TRUE(undo().left.empty());
  EXPECT_FALSE(fs::exists(out() / kJournalFile));
  EXPECT_EQ(read_bytes(out() / "cluster-00" / "mine.txt"), "mine");
}

TEST_F(Export, AMoveBackNeverReplacesAnything) {
  make_photos(12);
  make(ExportForm::move);
  const auto journal = read_journal(out());
  write_bytes(journal.steps[0].source, "another file");
  fs::remove_all(fs::path(journal.steps[5].source).parent_path());
  const UndoResult undone = undo();
  ASSERT_EQ(undone.left.size(), 1u);
  EXPECT_CONTAINS(undone.left[0].cause, "another file now");
  EXPECT_EQ(read_bytes(journal.steps[0].source), "another file");
  EXPECT_EQ(read_bytes(out() / journal.steps[0].target), "file 0");
  EXPECT_EQ(read_bytes(journal.steps[5].source), "file 5");  // its folder was made again
}

TEST_F(Export, LinksThatWereMadeOtherwiseStay) {
  make_photos(6);
  make(ExportForm::symlink);
  const auto journal = read_journal(out());
  const fs::path target = out() / journal.steps[0].target;
  fs::remove(target);
  fs::create_symlink("elsewhere", target);
  EXPECT_EQ(undo().left.size(), 1u);
  EXPECT_EQ(fs::read_symlink(target), "elsewhere");
}

TEST_F(Export, MovedLinksKeepLeadingToTheirFile) {
  write_bytes(folder_ / "elsewhere.jpg", "far");
  write_bytes(photos() / "a/real.jpg", "near");
  fs::create_symlink("real.jpg", photos() / "a/near.jpg");
  fs::create_symlink("../../elsewhere.jpg", photos() / "a/far.jpg");
  write_made_run(run(), photos(),
                 {{"a/far.jpg", 0, 1, 0}, {"a/near.jpg", 1, 1, 0}, {"a/real.jpg", 0, 1, 1}}, 2);
  const auto before = tree();
  make(ExportForm::move);
  EXPECT_EQ(read_bytes(out() / "cluster-00/far.jpg"), "far");
  EXPECT_EQ(read_bytes(out() / "cluster-01/near.jpg"), "near");
  EXPECT_EQ(fs::read_symlink(out() / "cluster-01/near.jpg"), out() / "cluster-00/real.jpg");
  EXPECT_TRUE(fs::is_empty(photos() / "a"));
  EXPECT_TRUE(undo().left.empty());
  EXPECT_EQ(tree(), before);
}

TEST_F(Export, OneFileUnderTwoNamesCannotMove) {
  write_bytes(photos() / "a/x.jpg", "x");
  fs::create_directory_symlink("a", photos() / "b");
  write_bytes(folder_ / "list.txt", "photos/a/x.jpg\nphotos/b/x.jpg\n");
  write_made_run(run(), folder_ / "list.txt",
                 {{"photos/a/x.jpg", 0, 1, 0}, {"photos/b/x.jpg", 0, 1, 1}}, 1);
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::move); }), "one file");
  EXPECT_FALSE(fs::exists(out()));
  EXPECT_EQ(make(ExportForm::copy).files, 2);
}

TEST_F(Export, MovesBetweenDisks) {
  const SmallDisk disk(folder_ / "disk", "1m");
  COTERIE_NEED_DISK(disk);
  make_photos(20);
  const auto before = tree();
  make(ExportForm::move, folder_ / "disk/out");
  const auto journal = read_journal(folder_ / "disk/out");
  EXPECT_EQ(read_bytes(folder_ / "disk/out" / journal.steps[7].target), "file 7");
  EXPECT_FALSE(fs::exists(journal.steps[7].source));
  // As a crash between copy and removal leaves it: in both places.
  fs::copy_file(folder_ / "disk/out" / journal.steps[7].target, journal.steps[7].source);
  EXPECT_TRUE(undo_export(folder_ / "disk/out", progress_, cancel_).left.empty());
  auto after = tree();
  after[fs::path(journal.steps[7].source).lexically_relative(folder_.path())] =
      before.at(fs::path(journal.steps[7].source).lexically_relative(folder_.path()));
  EXPECT_EQ(after, before);
  EXPECT_EQ(read_bytes(journal.steps[7].source), "file 7");
}

TEST_F(Export, AFullDiskIsToldAndUndone) {
  const SmallDisk disk(folder_ / "disk", "128k");
  COTERIE_NEED_DISK(disk);
  make_photos(60, 4000);
  const auto before = tree();
  for (const ExportForm form : {ExportForm::copy, ExportForm::move}) {
    const std::string error = user_error_of([&] { make(form, folder_ / "disk/out"); });
    EXPECT_CONTAINS(error, "No space left");
    EXPECT_CONTAINS(error, "of 60 files are done; put all back with: coterie export --undo ");
    EXPECT_NE(tree(), before);
    EXPECT_TRUE(undo_export(folder_ / "disk/out", progress_, cancel_).left.empty());
    EXPECT_EQ(tree(), before);
  }
  // Too full for the journal: nothing begins.
  write_bytes(folder_ / "disk/filler", std::string(124 << 10, 'x'));
  const auto full = tree();
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::symlink, folder_ / "disk/out"); }),
                  "No space left");
  EXPECT_EQ(tree(), full);
}

TEST_F(Export, AReadOnlyTargetIsRefused) {
  make_photos(6);
  const SmallDisk disk(folder_ / "disk", "64k", MS_RDONLY);
  if (geteuid() == 0) COTERIE_NEED_DISK(disk);
  if (!disk.mounted())
    fs::permissions(folder_ / "disk", fs::perms::owner_read | fs::perms::owner_exec);
  const auto before = tree();
  const std::string error =
      user_error_of([&] { make(ExportForm::symlink, folder_ / "disk/deep/out"); });
  EXPECT_CONTAINS(error, "cannot create the folder");
  EXPECT_CONTAINS(error, "choose a place that you may write to");
  EXPECT_EQ(tree(), before);
  if (!disk.mounted()) fs::permissions(folder_ / "disk", fs::perms::owner_all);
}

TEST_F(Export, AReadOnlyInputCannotBeMovedFrom) {
  SmallDisk disk(photos(), "1m");
  COTERIE_NEED_DISK(disk);
  make_photos(6);
  ASSERT_TRUE(disk.make_read_only());
  const auto before = tree();
  const std::string error = user_error_of([&] { make(ExportForm::move); });
  EXPECT_CONTAINS(error, "Read-only file system");
  EXPECT_CONTAINS(error, "0 of 6 files are done");
  EXPECT_TRUE(undo().left.empty());
  EXPECT_EQ(tree(), before);
}

TEST_F(Export, ImagesWithoutFilesAreWrittenAsPng) {
  // Images of 2 x 2 whose pixels say which one they are.
  std::string pixels;
  for (int i = 0; i < 12; ++i) pixels += {static_cast<char>(i), 0, static_cast<char>(200 + i), 1};
  write_bytes(folder_ / "images-idx3-ubyte", idx({12, 2, 2}, pixels));
  ClusterRequest request;
  request.settings.input = (folder_ / "images-idx3-ubyte").native();
  request.settings.load.cache = folder_ / "cache";
  request.settings.method = "kmeans";
  request.settings.clusters = 2;
  request.out = run();
  const LoadedRun clustered = run_clustering(request, progress_, cancel_);
  for (const ExportForm form : {ExportForm::symlink, ExportForm::move})
    EXPECT_CONTAINS(user_error_of([&] { make(form); }), "--as copy writes the images as PNG");
  const auto before = tree();
  EXPECT_EQ(make(ExportForm::copy).files, 12);
  for (int i = 0; i < 12; ++i) {
    const fs::path file =
        out() / fmt::format("cluster-{:02}/{:02}.png", clustered.rows[i].label, i);
    const PngImage png = read_png(read_bytes(file));
    EXPECT_EQ(png.pixels, (std::vector<std::uint8_t>{static_cast<std::uint8_t>(i), 0,
                                                     static_cast<std::uint8_t>(200 + i), 1}));
  }
  EXPECT_TRUE(undo().left.empty());
  EXPECT_EQ(tree(), before);
}

TEST_F(Export, TargetsThatHoldAnythingAreRefused) {
  make_photos(6);
  write_bytes(out() / "mine", "mine");
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::copy); }), "not empty");
  fs::remove(out() / "mine");
  make(ExportForm::copy);  // An empty folder will do, and stays after undoing.
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::copy); }), "holds an export already");
  EXPECT_TRUE(undo().left.empty());
  EXPECT_TRUE(fs::is_empty(out()));
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::copy, run() / "manifest.json"); }),
                  "not a folder");
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::copy, photos() / "by-cluster"); }),
                  "inside the images' own folder");
}

TEST_F(Export, FilesThatAreGoneAreNamedBeforeAnythingIsDone) {
  make_photos(6);
  fs::remove_all(photos() / "f2");
  const std::string error = user_error_of([&] { make(ExportForm::copy); });
  EXPECT_CONTAINS(error, "1 of the run's 6 images");
  EXPECT_CONTAINS(error, "photos/f2/");
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(Export, RunsOnFeaturesAreRefused) {
  make_photos(6);
  auto manifest = RunFolder(run()).read_manifest();
  manifest["input"]["kind"] = "features";
  RunFolder(run()).write_manifest(manifest);
  EXPECT_CONTAINS(user_error_of([&] { make(ExportForm::symlink); }), "is on features");
}

}  // namespace
}  // namespace coterie
