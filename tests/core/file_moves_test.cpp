#include "coterie/core/file_moves.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "small_disk.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class FileMoves : public ::testing::Test {
 protected:
  fs::path write(const char* name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  static std::string read(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  static struct stat info_of(const fs::path& file) {
    struct stat info {};
    lstat(file.c_str(), &info);
    return info;
  }
  TemporaryFolder folder_;
};

TEST_F(FileMoves, CopiesKeepBytesPermissionsAndTimes) {
  const std::string bytes(3'000'001, '\xa5');  // more than is held at a time
  const fs::path from = write("from", bytes);
  const timespec times[2] = {{100, 5}, {1'000'000'000, 123'456'789}};
  ASSERT_EQ(utimensat(AT_FDCWD, from.c_str(), times, 0), 0);
  fs::permissions(from, fs::perms::owner_read);
  place_copy(from, folder_ / "to");
  EXPECT_EQ(read(folder_ / "to"), bytes);
  EXPECT_EQ(info_of(folder_ / "to").st_mtim.tv_nsec, 123'456'789);
  EXPECT_EQ(info_of(folder_ / "to").st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(info_of(folder_ / "to").st_mode & 0777, 0400u);
  EXPECT_FALSE(fs::exists(folder_ / kPartialFile));
}

TEST_F(FileMoves, NothingIsEverReplaced) {
  const fs::path from = write("from", "new"), taken = write("taken", "old");
  fs::create_directory(folder_ / "folder");
  fs::create_symlink("nowhere", folder_ / "dangling");
  for (const fs::path& to : {taken, folder_ / "folder", folder_ / "dangling"}) {
    EXPECT_CONTAINS(user_error_of([&] { place_copy(from, to); }), "File exists");
    EXPECT_CONTAINS(user_error_of([&] { place_moved(from, to); }), "nothing is overwritten");
    EXPECT_CONTAINS(user_error_of([&] { place_bytes("new", to); }), "File exists");
    EXPECT_CONTAINS(user_error_of([&] { place_link("new", to); }), "File exists");
  }
  EXPECT_EQ(read(taken), "old");
  EXPECT_EQ(read(from), "new");
  EXPECT_EQ(fs::read_symlink(folder_ / "dangling"), "nowhere");
  EXPECT_FALSE(fs::exists(folder_ / kPartialFile));
}

TEST_F(FileMoves, AMoveWithinAFileSystemKeepsTheFileItself) {
  const fs::path from = write("from", "bytes");
  const auto before = info_of(from);
  place_moved(from, folder_ / "to");
  EXPECT_EQ(info_of(folder_ / "to").st_ino, before.st_ino);
  EXPECT_FALSE(fs::exists(from));
}

TEST_F(FileMoves, AMoveToAnotherDiskCopiesThenRemoves) {
  const fs::path disk = folder_ / "disk";
  const SmallDisk small(disk, "64k");
  COTERIE_NEED_DISK(small);
  const fs::path from = write("from", "bytes"), large = write("large", std::string(100'000, 'x'));
  const auto before = info_of(from);
  place_moved(from, disk / "to");
  EXPECT_EQ(read(disk / "to"), "bytes");
  EXPECT_EQ(info_of(disk / "to").st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  EXPECT_FALSE(fs::exists(from));
  // A full disk leaves the file where it was, and nothing on the disk.
  const std::string error = user_error_of([&] { place_moved(large, disk / "large"); });
  EXPECT_CONTAINS(error, "No space left");
  EXPECT_CONTAINS(error, "free some space");
  EXPECT_EQ(read(large).size(), 100'000u);
  EXPECT_FALSE(fs::exists(disk / "large"));
  EXPECT_FALSE(fs::exists(disk / kPartialFile));
}

TEST_F(FileMoves, WhatACrashLeftIsWrittenOver) {
  write(kPartialFile, "half of someth");
  place_bytes("whole", folder_ / "to");
  EXPECT_EQ(read(folder_ / "to"), "whole");
  EXPECT_FALSE(fs::exists(folder_ / kPartialFile));
}

TEST_F(FileMoves, OnlyRegularFilesAreCopied) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_CONTAINS(user_error_of([&] { place_copy(folder_ / "pipe", folder_ / "to"); }), "pipe");
  EXPECT_CONTAINS(user_error_of([&] { place_copy(folder_ / "none", folder_ / "to"); }),
                  "No such file");
}

TEST_F(FileMoves, ContentIsComparedByteByByte) {
  std::string bytes(2'000'000, 'a');
  const fs::path a = write("a", bytes), same = write("same", bytes);
  bytes.back() = 'b';
  const fs::path other = write("other", bytes), shorter = write("shorter", "a");
  EXPECT_TRUE(same_content(a, same));
  EXPECT_FALSE(same_content(a, other));
  EXPECT_FALSE(same_content(a, shorter));
  EXPECT_FALSE(same_content(a, folder_ / "none"));
  EXPECT_TRUE(same_content(write("empty", ""), write("none", "")));
}

}  // namespace
}  // namespace coterie
