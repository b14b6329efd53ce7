#include "coterie/run/export_journal.h"

#include <gtest/gtest.h>

#include "coterie/core/files.h"
#include "run/made_run.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
using Kind = ExportStep::Kind;

ExportJournal small_journal() {
  ExportJournal journal;
  journal.form = ExportForm::move;
  journal.run = "/runs/one";
  journal.outer_folders = {"/out", "/out/here"};
  journal.folders = {"cluster-00"};
  journal.steps = {{Kind::move, "cluster-00/a\n\"b\".jpg", "/photos/a\n\"b\".jpg", "", ""},
                   {Kind::relink, "cluster-00/\xe9", "/photos/\xe9", "../x\xe9", "/y\xe9"}};
  return journal;
}

TEST(ExportJournal, KeepsEveryByteOfNames) {
  const TemporaryFolder folder;
  const ExportJournal journal = small_journal();
  write_journal(folder.path(), journal);
  const ExportJournal read = read_journal(folder.path());
  EXPECT_EQ(read.form, journal.form);
  EXPECT_EQ(read.run, journal.run);
  EXPECT_EQ(read.outer_folders, journal.outer_folders);
  EXPECT_EQ(read.folders, journal.folders);
  EXPECT_EQ(read.steps, journal.steps);
}

TEST(ExportJournal, DamageIsFoundBeforeAnythingIsUndone) {
  const TemporaryFolder folder;
  EXPECT_CONTAINS(user_error_of([&] { read_journal(folder.path()); }), "no export to undo");
  write_journal(folder.path(), small_journal());
  const std::string whole = read_bytes(folder / kJournalFile);
  const auto error_with = [&](const std::string& text) {
    write_bytes(folder / kJournalFile, text);
    return user_error_of([&] { read_journal(folder.path()); });
  };
  EXPECT_CONTAINS(error_with(""), "0 of 0 steps");
  EXPECT_CONTAINS(error_with(whole.substr(0, whole.find('\n') + 1)), "0 of 2 steps");
  EXPECT_CONTAINS(error_with(whole.substr(0, whole.size() - 9)), "line 3");
  EXPECT_CONTAINS(error_with("{}\n"), "line 1");
  // Paths that lead out of the folder are none of ours.
  for (const char* evil : {"../a", "/etc/passwd", "cluster-00/../../a", ""}) {
    std::string text = whole;
    const std::string name = R"("cluster-00/a\n\"b\".jpg")";
    text.replace(text.find(name), name.size(), "\"" + std::string(evil) + "\"");
    EXPECT_CONTAINS(error_with(text), "line 2");
  }
}

}  // namespace
}  // namespace coterie
