#include "coterie/annotate/constraint_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <regex>

#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;
using Access = ConstraintStore::Access;

const StoreOwner kOwner{"f00d", "run-1"};

Event answer(std::int64_t a, std::int64_t b, Answer said) {
  return {.annotator = "Ada", .round = 2, .kind = EventKind::pair, .a = a, .b = b, .answer = said};
}

/// Runs SQL on a file with SQLite itself, not through the store.
void run_sql(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
}

class Store : public ::testing::Test {
 protected:
  std::filesystem::path file() const { return folder_ / ConstraintStore::kFile; }
  std::vector<Event> read() const {
    return ConstraintStore(folder_.path(), kOwner, Access::read).events();
  }
  /// The refusal to open for writing and for reading, which leaves the file as it was.
  std::string refusal(const StoreOwner& owner = kOwner) const {
    const std::string before = read_file(file());
    const std::string message =
        user_error_of([&] { ConstraintStore(folder_.path(), owner, Access::write); });
    EXPECT_EQ(message,
              user_error_of([&] { ConstraintStore(folder_.path(), owner, Access::read); }));
    EXPECT_EQ(read_file(file()), before);
    return message;
  }
  void make(int answers) const {
    ConstraintStore store(folder_.path(), kOwner, Access::write);
    for (int i = 0; i < answers; ++i) store.append({answer(i, i + 1, Answer::must)});
  }

  TemporaryFolder folder_;
};

TEST_F(Store, GivesBackWhatWasAppended) {
  const std::string odd = "<img src=x onerror=alert(1)> \"\n\t \xe2\x82\xac";
  {
    ConstraintStore store(folder_.path(), kOwner, Access::write);
    EXPECT_TRUE(store.events().empty());
    store.append({answer(3, 9, Answer::cannot)});
    store.append({{.annotator = odd,
                   .round = 4,
                   .kind = EventKind::name,
                   .data = {{"cluster", 1}, {"name", odd}}},
                  {.kind = EventKind::undo, .undoes = 1}});
    EXPECT_EQ(store.events().size(), 3u);
  }
  const auto events = read();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].seq, 1);
  EXPECT_TRUE(std::regex_match(events[0].time, std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)")))
      << events[0].time;
  EXPECT_EQ(events[0].annotator, "Ada");
  EXPECT_EQ(events[0].round, 2);
  EXPECT_EQ(events[0].kind, EventKind::pair);
  EXPECT_EQ(events[0].a, 3);
  EXPECT_EQ(events[0].b, 9);
  EXPECT_EQ(events[0].answer, Answer::cannot);
  EXPECT_TRUE(events[0].data.is_null());
  EXPECT_EQ(events[1].seq, 2);
  EXPECT_EQ(events[1].annotator, odd);
  EXPECT_EQ(events[1].data.at("name"), odd);
  EXPECT_EQ(events[2].kind, EventKind::undo);
  EXPECT_EQ(events[2].undoes, 1);
}

TEST_F(Store, AnAbsentFileHoldsNothingForReadersAndStaysAbsent) {
  EXPECT_TRUE(read().empty());
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(Store, OneProcessWritesAndOthersRead) {
  ConstraintStore store(folder_.path(), kOwner, Access::write);
  store.append({answer(0, 1, Answer::must)});
  EXPECT_CONTAINS(user_error_of([&] { ConstraintStore(folder_.path(), kOwner, Access::write); }),
                  "is open for annotation in another process");
  EXPECT_EQ(read().size(), 1u);
  store.append({answer(1, 2, Answer::must)});
  EXPECT_EQ(read().size(), 2u);
}

TEST_F(Store, TheNextProcessMayWriteWhenTheOneBeforeIsGone) {
  make(1);
  ConstraintStore store(folder_.path(), kOwner, Access::write);
  store.append({answer(5, 6, Answer::skip)});
  EXPECT_EQ(store.events().back().seq, 2);
}

TEST_F(Store, ReadersCannotAppend) {
  ConstraintStore store(folder_.path(), kOwner, Access::read);
  EXPECT_THROW(store.append({answer(0, 1, Answer::must)}), std::logic_error);
}

TEST_F(Store, EventsAreNeverChangedOrRemoved) {
  make(1);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
  for (const char* sql : {"UPDATE event SET a = 5", "DELETE FROM event"}) {
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr),
              SQLITE_CONSTRAINT_TRIGGER & 0xff);
    EXPECT_CONTAINS(sqlite3_errmsg(database), "events are only ever added");
  }
  sqlite3_close(database);
}

TEST_F(Store, KeepsEveryAcknowledgedAnswerOfAKilledProcess) {
  // A child acknowledges each answer through a pipe when `append` has returned, and is killed
  // after so many of them.
  for (const int acknowledged : {0, 1, 2, 3, 7, 20}) {
    TemporaryFolder folder;
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      ConstraintStore store(folder.path(), kOwner, Access::write);
      for (int i = 0;; ++i) {
        const char ready = 'r';
        if (::write(pipe_ends[1], &ready, 1) != 1) _exit(1);
        store.append({answer(i, i + 1, Answer::must)});
      }
    }
    // Byte n + 1 says that n answers are on disk.
    for (int i = 0; i <= acknowledged; ++i) {
      char ready = 0;
      ASSERT_EQ(::read(pipe_ends[0], &ready, 1), 1);
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    // Some that were not acknowledged may be there as well, whole and in order.
    const ConstraintStore store(folder.path(), kOwner, Access::write);
    ASSERT_GE(store.events().size(), static_cast<std::size_t>(acknowledged));
    for (std::size_t i = 0; i < store.events().size(); ++i) {
      EXPECT_EQ(store.events()[i].a, static_cast<std::int64_t>(i));
      EXPECT_EQ(store.events()[i].seq, static_cast<std::int64_t>(i) + 1);
    }
  }
}

TEST_F(Store, AppendsAllEventsOfACallOrNone) {
  ConstraintStore store(folder_.path(), kOwner, Access::write);
  // The second one has no kind that the schema allows to be missing: its data is no UTF-8, which
  // JSON refuses, after the first was written.
  EXPECT_THROW(store.append({answer(0, 1, Answer::must),
                             {.kind = EventKind::name, .data = {{"name", "\xff"}}}}),
               nlohmann::json::exception);
  EXPECT_TRUE(store.events().empty());
  EXPECT_TRUE(read().empty());
  store.append({answer(2, 3, Answer::must)});
  EXPECT_EQ(read().at(0).seq, 1);
}

TEST_F(Store, RefusesFilesThatAreNotItsOwn) {
  for (const std::string& content :
       {std::string(), std::string("id_a,id_b,link\n"), std::string(4096, '\0'),
        "SQLite format 3" + std::string(2000, '\0')}) {
    write_file(file(), content);
    EXPECT_CONTAINS(refusal(),
                    "is no store of constraints that coterie wrote; nothing was changed");
  }
  std::filesystem::remove(file());
  run_sql(file(), "CREATE TABLE event (seq INTEGER PRIMARY KEY); INSERT INTO event VALUES (1)");
  EXPECT_CONTAINS(refusal(), "is no store of constraints");
}

TEST_F(Store, RefusesDamagedFiles) {
  make(200);
  const std::string sound = read_file(file());
  // The pages after the first: rows of the events.
  for (std::size_t begin = 4096; begin + 512 < sound.size(); begin += 4096) {
    std::string damaged = sound;
    for (std::size_t i = 0; i < 512; ++i) damaged[begin + i] ^= static_cast<char>(0x5a);
    write_file(file(), damaged);
    EXPECT_CONTAINS(refusal(), "is damaged");
  }
  write_file(file(), sound.substr(0, sound.size() / 2));
  EXPECT_CONTAINS(refusal(), "is damaged");
  write_file(file(), sound);
  EXPECT_EQ(read().size(), 200u);
}

TEST_F(Store, RefusesATableOrTriggerThatIsNotItsOwn) {
  make(1);
  run_sql(file(), "CREATE TRIGGER more AFTER INSERT ON event BEGIN SELECT 1; END");
  EXPECT_CONTAINS(refusal(), "its tables are not those of a store of constraints");
}

TEST_F(Store, RefusesEventsThatMakeNoSense) {
  make(1);
  run_sql(file(), "INSERT INTO event VALUES (2, '', '', 1, 'pair', 0, 1, 'perhaps', NULL, NULL)");
  EXPECT_CONTAINS(refusal(), "event 2 makes no sense");
}

TEST_F(Store, RefusesEventsWithoutOrder) {
  make(1);
  run_sql(file(), "INSERT INTO event VALUES (7, '', '', 1, 'undo', NULL, NULL, NULL, NULL, 1)");
  EXPECT_CONTAINS(refusal(), "event 7 makes no sense");
}

TEST_F(Store, RefusesALaterVersion) {
  make(1);
  run_sql(file(), "PRAGMA user_version = 2");
  EXPECT_CONTAINS(refusal(), "is of version 2, this coterie reads version 1; use a newer coterie");
}

TEST_F(Store, RefusesOtherDataAndEarlierClusterings) {
  make(1);
  EXPECT_CONTAINS(refusal({"beef", "run-1"}), "belongs to other images (fingerprint f00d...)");
  EXPECT_CONTAINS(refusal({"f00d", "run-2"}), "belongs to an earlier clustering in this folder");
  // Who only wants to read its answers need not know the clustering.
  const ConstraintStore store(folder_.path(), {"f00d", ""}, Access::read);
  EXPECT_EQ(store.events().size(), 1u);
  EXPECT_EQ(store.run(), "run-1");
}

TEST_F(Store, NamesAFolderThatCannotBeWritten) {
  EXPECT_CONTAINS(user_error_of([&] { ConstraintStore(folder_ / "none", kOwner, Access::write); }),
                  "constraints.db.lock: No such file or directory");
}

}  // namespace
}  // namespace coterie
