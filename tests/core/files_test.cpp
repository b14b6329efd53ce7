#include "coterie/core/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include "testing.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().native());
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

/// No file may grow beyond `bytes` while this lives: a full disk for a test that may not mount one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

/// Ends the program where a call waits for a pipe after all.
struct Deadline {
  Deadline() { ::alarm(20); }
  ~Deadline() { ::alarm(0); }
};

/// Works without the rights of root while this lives, also where the tests run as root.
class PlainUser {
 public:
  PlainUser() : before_(::geteuid()) {
    if (before_ == 0 && ::seteuid(65534) != 0) throw std::runtime_error("cannot drop rights");
  }
  ~PlainUser() {
    if (::seteuid(before_) != 0) std::abort();
  }

 private:
  uid_t before_;
};

TEST(AtomicFile, NothingAppearsBeforeCommit) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  file.write("hello ");
  file.write("world");
  EXPECT_FALSE(fs::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), "hello world");
  EXPECT_EQ(names_in(folder.path()), Names{"out"});
}

TEST(AtomicFile, WithoutCommitTheOldFileStaysAndNothingElse) {
  const TemporaryFolder folder;
  write_file(folder / "out", "old");
  {
    AtomicFile file(folder / "out");
    file.write(std::string(3 << 20, 'x'));
    EXPECT_EQ(read_file(folder / "out"), "old");
    EXPECT_EQ(names_in(folder.path()).size(), 2u);
  }
  EXPECT_EQ(read_file(folder / "out"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"out"});
}

TEST(AtomicFile, WhatAKilledProcessLeftIsRemovedAndWhatIsWrittenStays) {
  TemporaryFolder folder;
  // A process of this number, in another container, was killed at each of its first files.
  for (int i = 0; i < 200; ++i)
    std::ofstream(folder / fmt::format(".coterie-{}-{}.tmp", ::getpid(), i)) << "part";
  AtomicFile file(folder / "whole");
  file.write("new");
  remove_abandoned_files(folder.path());
  EXPECT_EQ(names_in(folder.path()).size(), 1u);
  file.commit();
  EXPECT_EQ(read_file(folder / "whole"), "new");
  EXPECT_EQ(names_in(folder.path()), Names{"whole"});
}

TEST(AtomicFile, CommitReplacesTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "out", "a long old text");
  write_file(folder / "out", "new");
  EXPECT_EQ(read_file(folder / "out"), "new");
}

TEST(AtomicFile, SmallAndLargeWritesKeepTheirOrder) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  std::string expected;
  for (const std::size_t size : {1, 1 << 20, 5, (1 << 20) - 1, 3, 3 << 20, 1000000, 1000000}) {
    const std::string part(size, static_cast<char>('a' + expected.size() % 26));
    file.write(part);
    expected += part;
  }
  file.commit();
  EXPECT_TRUE(read_file(folder / "out") == expected);
}

TEST(AtomicFile, WritesAtPlacesFromSeveralThreads) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  std::vector<std::thread> threads;
  for (int t = 3; t >= 0; --t)
    threads.emplace_back([&file, t] {
      const std::string part(1000, static_cast<char>('a' + t));
      file.write_at(part.data(), part.size(), 1000 * t);
    });
  for (auto& thread : threads) thread.join();
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), std::string(1000, 'a') + std::string(1000, 'b') +
                                           std::string(1000, 'c') + std::string(1000, 'd'));
}

TEST(AtomicFile, TakesTheLongestNameAndBytesThatAreNotUtf8) {
  const TemporaryFolder folder;
  const std::string name = std::string(250, 'n') + "\xff\n\".x";
  write_file(folder / name, "text");
  EXPECT_EQ(names_in(folder.path()), Names{name});
}

TEST(AtomicFile, NoSuchFolder) {
  const TemporaryFolder folder;
  const auto message = user_error_of([&] { AtomicFile file(folder / "absent" / "out"); });
  EXPECT_CONTAINS(message, (folder / "absent" / "out").string());
  EXPECT_CONTAINS(message, "No such file or directory");
  EXPECT_CONTAINS(message, "check the spelling");
}

TEST(AtomicFile, FolderThatMayNotBeWritten) {
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms(0555));
  std::string message;
  {
    const PlainUser plain;
    message = user_error_of([&] { AtomicFile file(folder / "out"); });
  }
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_CONTAINS(message, "cannot create " + (folder / "out").string());
  EXPECT_CONTAINS(message, "Permission denied");
  EXPECT_CONTAINS(message, "choose a place that you may write to");
}

TEST(AtomicFile, FailedWriteKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "out", "old");
  std::string message;
  {
    const FileSizeLimit limit(1 << 20);
    message = user_error_of([&] {
      AtomicFile file(folder / "out");
      for (int i = 0; i < 5; ++i) file.write(std::string(1 << 19, 'x'));
      file.commit();
    });
  }
  EXPECT_CONTAINS(message, "cannot write " + (folder / "out").string());
  EXPECT_CONTAINS(message, "File too large");
  EXPECT_EQ(read_file(folder / "out"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"out"});
}

TEST(AtomicFile, FailureInCommitKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "out", "old");
  {
    AtomicFile file(folder / "out");
    file.write(std::string(5000, 'x'));  // Still in memory.
    const FileSizeLimit limit(1000);
    EXPECT_CONTAINS(user_error_of([&] { file.commit(); }), "cannot write");
  }
  EXPECT_EQ(read_file(folder / "out"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"out"});
}

TEST(AtomicFile, FullDisk) {
  const TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "needs the right to mount a small disk";
  write_file(folder / "out", "old");
  const auto message =
      user_error_of([&] { write_file(folder / "out", std::string(1 << 20, 'x')); });
  EXPECT_CONTAINS(message, "No space left on device");
  EXPECT_CONTAINS(message, "free some space or choose another folder");
  EXPECT_EQ(read_file(folder / "out"), "old");
  EXPECT_EQ(names_in(folder.path()), Names{"out"});
  EXPECT_EQ(::umount2(folder.path().c_str(), MNT_DETACH), 0);
}

TEST(AtomicFile, RefusesToReplaceWhatIsNoFile) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "folder");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_CONTAINS(user_error_of([&] { AtomicFile file(folder / "folder"); }), "it is a folder");
  EXPECT_CONTAINS(user_error_of([&] { AtomicFile file(folder / "pipe"); }), "choose another name");
  EXPECT_CONTAINS(user_error_of([] { AtomicFile file("/dev/null"); }), "it is a device");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(names_in(folder.path()), (Names{"folder", "pipe"}));
}

TEST(ReadFile, LimitIsInclusive) {
  const TemporaryFolder folder;
  write_file(folder / "ten", "0123456789");
  EXPECT_EQ(read_file(folder / "ten", 10), "0123456789");
  const auto message = user_error_of([&] { read_file(folder / "ten", 9); });
  EXPECT_CONTAINS(message, (folder / "ten").string() + " has 10 bytes, more than the 9 allowed");
}

TEST(ReadFile, KeepsEveryByte) {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  write_file(folder / "bytes", bytes);
  EXPECT_EQ(read_file(folder / "bytes"), bytes);
  write_file(folder / "empty", "");
  EXPECT_EQ(read_file(folder / "empty"), "");
}

TEST(ReadFile, WhatCannotBeReadIsNamed) {
  const Deadline deadline;
  const TemporaryFolder folder;
  EXPECT_CONTAINS(user_error_of([&] { read_file(folder / "absent"); }), "absent: No such file");
  EXPECT_CONTAINS(user_error_of([&] { read_file(folder.path()); }), "it is a folder");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_CONTAINS(user_error_of([&] { read_file(folder / "pipe"); }), "not a regular file");
  write_file(folder / "secret", "x");
  fs::permissions(folder.path(), fs::perms(0755));
  fs::permissions(folder / "secret", fs::perms(0));
  std::string message;
  {
    const PlainUser plain;
    message = user_error_of([&] { read_file(folder / "secret"); });
  }
  EXPECT_CONTAINS(message, "Permission denied");
}

TEST(ReadFile, NamesAreSafeForATerminal) {
  EXPECT_CONTAINS(user_error_of([] { read_file("/absent\x1b[31m\n"); }), "/absent\\x1b[31m\\x0a");
}

TEST(MappedFile, ShowsTheContent) {
  const TemporaryFolder folder;
  write_file(folder / "text", "hello");
  const MappedFile file(folder / "text");
  ASSERT_EQ(file.size(), 5u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.bytes().data()), 5), "hello");
}

TEST(MappedFile, EmptyFile) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_EQ(MappedFile(folder / "empty").size(), 0u);
  EXPECT_EQ(MappedFile().size(), 0u);
}

TEST(MappedFile, OutlivesAReplacementOfItsFile) {
  const TemporaryFolder folder;
  write_file(folder / "text", "first");
  const MappedFile file(folder / "text");
  write_file(folder / "text", "other");
  EXPECT_EQ(static_cast<char>(file.bytes()[0]), 'f');
}

TEST(MappedFile, MovesWithItsContent) {
  const TemporaryFolder folder;
  write_file(folder / "a", "aaa");
  write_file(folder / "b", "bb");
  MappedFile a(folder / "a"), b(folder / "b");
  MappedFile moved(std::move(a));
  EXPECT_EQ(moved.size(), 3u);
  EXPECT_EQ(a.size(), 0u);
  moved = std::move(b);
  EXPECT_EQ(moved.size(), 2u);
  EXPECT_EQ(static_cast<char>(moved.bytes()[0]), 'b');
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const Deadline deadline;
  EXPECT_CONTAINS(user_error_of([&] { MappedFile file(folder / "pipe"); }), "not a regular file");
}

TEST(MappedFile, WhatCannotBeMappedIsNamed) {
  const TemporaryFolder folder;
  EXPECT_CONTAINS(user_error_of([&] { MappedFile file(folder / "absent"); }),
                  (folder / "absent").string());
  EXPECT_CONTAINS(user_error_of([&] { MappedFile file(folder.path()); }), "it is a folder");
  EXPECT_CONTAINS(user_error_of([] { MappedFile file("/dev/zero"); }), "it is a device");
}

TEST(CreateFolder, WithParentsAndAgain) {
  const TemporaryFolder folder;
  create_folder(folder / "a" / "b");
  create_folder(folder / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder / "a" / "b"));
}

TEST(CreateNewFolder, OneOfManyGetsIt) {
  const TemporaryFolder folder;
  std::atomic<int> got{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i)
    all.emplace_back([&] {
      if (create_new_folder(folder / "run")) ++got;
    });
  for (auto& thread : all) thread.join();
  EXPECT_EQ(got, 1);
  EXPECT_TRUE(fs::is_directory(folder / "run"));
  write_file(folder / "file", "");
  EXPECT_FALSE(create_new_folder(folder / "file"));
  EXPECT_CONTAINS(user_error_of([&] { create_new_folder(folder / "none/run"); }),
                  "No such file or directory");
}

TEST(CreateFolder, WhereAFileStands) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  EXPECT_CONTAINS(user_error_of([&] { create_folder(folder / "file"); }),
                  "cannot create folder " + (folder / "file").string());
  EXPECT_CONTAINS(user_error_of([&] { create_folder(folder / "file" / "inside"); }),
                  "Not a directory");
}

}  // namespace
}  // namespace coterie
