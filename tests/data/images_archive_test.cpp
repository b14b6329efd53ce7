#include <archive.h>
#include <archive_entry.h>

#include <cstdio>

#include "images_testing.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using testing::plain_png;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::user_error_of;
using testing::write_bytes;

using Paths = std::vector<std::string>;
using Causes = std::map<std::string, std::string>;

/// One member of a ustar archive, made byte by byte.
std::string member(const std::string& name, const std::string& data, char type = '0',
                   const std::string& link = "") {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  char size[12];
  std::snprintf(size, sizeof(size), "%011zo", data.size());
  put(124, size);
  put(136, "00000000000");
  put(148, "        ");
  header[156] = type;
  put(157, link);
  put(257, "ustar");
  put(263, "00");
  unsigned sum = 0;
  for (const unsigned char c : header) sum += c;
  char digits[8];
  std::snprintf(digits, sizeof(digits), "%06o", sum);
  put(148, digits);
  const std::string padding((512 - data.size() % 512) % 512, '\0');
  return header + data + padding;
}

std::string tar(const std::vector<std::string>& members) {
  std::string out;
  for (const auto& one : members) out += one;
  return out + std::string(1024, '\0');
}

class UnpackArchive : public ::testing::Test {
 protected:
  fs::path put(const std::string& name, const std::string& bytes) {
    write_bytes(folder_ / name, bytes);
    return folder_ / name;
  }
  ImageFiles unpack(const fs::path& archive) {
    Progress progress;
    return unpack_archive(archive, scratch(), options_, progress, cancel_);
  }
  ImageFiles unpack_tar(const std::vector<std::string>& members) {
    return unpack(put("a.tar", tar(members)));
  }
  fs::path scratch() const { return folder_ / "scratch"; }
  bool scratch_is_empty() const { return !fs::exists(scratch()) || fs::is_empty(scratch()); }

  static Paths paths(const ImageFiles& files) {
    Paths out;
    for (const auto& file : files.files) out.push_back(file.path);
    return out;
  }
  static Causes causes(const ImageFiles& files) {
    Causes out;
    for (const auto& bad : files.bad) EXPECT_TRUE(out.emplace(bad.path, bad.cause).second);
    return out;
  }

  TemporaryFolder folder_;
  LoadOptions options_;
  CancelToken cancel_;
};

TEST_F(UnpackArchive, MembersLieUnderNamesOfOurOwnUntilKeepGoes) {
  const std::string binary("\0\xff\r\n", 4);
  ImageFiles files = unpack_tar({member("b.png", "second"), member("a.png", binary)});
  ASSERT_EQ(paths(files), (Paths{"a.png", "b.png"}));
  EXPECT_EQ(read_bytes(files.files[0].file), binary);
  EXPECT_EQ(read_bytes(files.files[1].file), "second");
  EXPECT_EQ(files.files[0].file.filename(), "1");
  EXPECT_EQ(files.files[0].file.parent_path().parent_path(), scratch());
  files.keep.reset();
  EXPECT_TRUE(scratch_is_empty());
}

TEST_F(UnpackArchive, HostileNamesAreOnlyLabels) {
  const ImageFiles files =
      unpack_tar({member("../../evil.png", "1"), member("/etc/x.png", "2"),
                  member("./a//b/./c.png", "3"), member("caf\xe9\n.png", "4")});
  EXPECT_EQ(paths(files), (Paths{"a/b/c.png", "caf\xe9\n.png", "etc/x.png", "evil.png"}));
  EXPECT_FALSE(fs::exists(folder_ / "evil.png"));
  for (const auto& file : files.files) EXPECT_EQ(file.file.parent_path().parent_path(), scratch());
}

TEST_F(UnpackArchive, LinksDevicesAndRepeatedNamesAreBad) {
  const ImageFiles files =
      unpack_tar({member("a.png", "1"), member("soft.png", "", '2', "/etc/passwd"),
                  member("hard.png", "", '1', "a.png"), member("tty", "", '3'),
                  member("disk", "", '4'), member("pipe", "", '6'), member("a.png", "2")});
  EXPECT_EQ(paths(files), Paths{"a.png"});
  EXPECT_EQ(read_bytes(files.files[0].file), "1");
  EXPECT_EQ(causes(files), (Causes{{"soft.png", "is a link in the archive"},
                                   {"hard.png", "is a link in the archive"},
                                   {"tty", "is a device"},
                                   {"disk", "is a device"},
                                   {"pipe", "is a FIFO"},
                                   {"a.png", "named twice"}}));
}

TEST_F(UnpackArchive, HiddenMembersAndFoldersAreLeftOut) {
  const ImageFiles files =
      unpack_tar({member("./", "", '5'), member("cat/", "", '5'), member("./cat/1.png", "1"),
                  member(".git/2.png", "2"), member("cat/._3.png", "3")});
  EXPECT_EQ(paths(files), Paths{"cat/1.png"});
  EXPECT_TRUE(files.bad.empty());
}

TEST_F(UnpackArchive, MembersOverTheLimitAreBad) {
  options_.max_file_bytes = 5;
  const ImageFiles files = unpack_tar({member("a", "12345"), member("b", "123456")});
  EXPECT_EQ(paths(files), Paths{"a"});
  EXPECT_EQ(causes(files), (Causes{{"b", "larger than the limit of 5 bytes"}}));
}

TEST_F(UnpackArchive, FoldersThatAllShareAreDroppedWhileClassesLieBelow) {
  const auto names = [&](const Paths& given) {
    std::vector<std::string> members;
    for (const auto& name : given) members.push_back(member(name, "x"));
    return paths(unpack_tar(members));
  };
  EXPECT_EQ(names({"photos/cat/1", "photos/dog/2"}), (Paths{"cat/1", "dog/2"}));
  EXPECT_EQ(names({"photos/README", "photos/cat/1"}), (Paths{"README", "cat/1"}));
  EXPECT_EQ(names({"a/b/cat/1", "a/b/dog/2"}), (Paths{"cat/1", "dog/2"}));
  EXPECT_EQ(names({"cat/1", "cat/2"}), (Paths{"cat/1", "cat/2"}));
  EXPECT_EQ(names({"cat/1", "dog/2"}), (Paths{"cat/1", "dog/2"}));
  EXPECT_EQ(names({"train/cat/1", "test/cat/2"}), (Paths{"test/cat/2", "train/cat/1"}));
  EXPECT_EQ(names({"cat/1", "catfish/a/2"}), (Paths{"cat/1", "catfish/a/2"}));
}

/// The same members through libarchive's own writers.
void write_packed(const fs::path& path, int (*format)(archive*), int (*filter)(archive*)) {
  archive* out = archive_write_new();
  ASSERT_EQ(format(out), ARCHIVE_OK);
  if (filter) {
    ASSERT_EQ(filter(out), ARCHIVE_OK);
  }
  ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
  for (const char* name : {"top/cat/1.png", "top/dog/2.png"}) {
    const std::string bytes = plain_png(16, name[8]);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, std::ssize(bytes));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    ASSERT_EQ(archive_write_header(out, entry), ARCHIVE_OK);
    ASSERT_EQ(archive_write_data(out, bytes.data(), bytes.size()), std::ssize(bytes));
    archive_entry_free(entry);
  }
  ASSERT_EQ(archive_write_close(out), ARCHIVE_OK);
  archive_write_free(out);
}

TEST_F(UnpackArchive, EveryCompressionIsRead) {
  const fs::path file = folder_ / "packed";
  for (const auto filter :
       {archive_write_add_filter_gzip, archive_write_add_filter_bzip2, archive_write_add_filter_xz,
        archive_write_add_filter_zstd, archive_write_add_filter_lzma}) {
    write_packed(file, archive_write_set_format_pax_restricted, filter);
    EXPECT_EQ(paths(unpack(file)), (Paths{"cat/1.png", "dog/2.png"}));
  }
  write_packed(file, archive_write_set_format_zip, nullptr);
  const ImageFiles files = unpack(file);
  EXPECT_EQ(paths(files), (Paths{"cat/1.png", "dog/2.png"}));
  EXPECT_EQ(read_bytes(files.files[1].file), plain_png(16, '2'));
}

TEST_F(UnpackArchive, AMemberWithAWrongChecksumIsBadAndTheOthersAreRead) {
  const fs::path file = folder_ / "packed.zip";
  const auto stored_zip = [](archive* out) {
    const int code = archive_write_set_format_zip(out);
    return code == ARCHIVE_OK ? archive_write_zip_set_compression_store(out) : code;
  };
  write_packed(file, stored_zip, nullptr);
  std::string bytes = read_bytes(file);
  const std::size_t image = bytes.find(plain_png(16, '2'));
  ASSERT_NE(image, std::string::npos);
  bytes[image + 20] ^= 1;
  const ImageFiles files = unpack(put("wrong.zip", bytes));
  EXPECT_EQ(paths(files), Paths{"cat/1.png"});
  EXPECT_CONTAINS(causes(files).at("dog/2.png"), "damaged: ");
}

TEST_F(UnpackArchive, TheLimitHoldsForMembersThatDoNotTellTheirSize) {
  const fs::path file = folder_ / "stream.zip.gz";
  archive* out = archive_write_new();
  archive_write_set_format_zip(out);
  archive_write_add_filter_gzip(out);
  ASSERT_EQ(archive_write_open_filename(out, file.c_str()), ARCHIVE_OK);
  for (const char* name : {"a", "b"}) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    ASSERT_EQ(archive_write_header(out, entry), ARCHIVE_OK);
    ASSERT_EQ(archive_write_data(out, "123456", name[0] == 'a' ? 5 : 6), name[0] == 'a' ? 5 : 6);
    archive_entry_free(entry);
  }
  ASSERT_EQ(archive_write_close(out), ARCHIVE_OK);
  archive_write_free(out);
  options_.max_file_bytes = 5;
  const ImageFiles files = unpack(file);
  EXPECT_EQ(paths(files), Paths{"a"});
  EXPECT_EQ(causes(files), (Causes{{"b", "larger than the limit of 5 bytes"}}));
}

TEST_F(UnpackArchive, LongNamesKeepTheirBytesInAnyLocale) {
  const auto record = [](const std::string& name) {
    const std::string rest = " path=" + name + "\n";
    return std::to_string(rest.size() + 2) + rest;
  };
  const std::string utf8 = "caf\xc3\xa9.png", latin = "na\xefve.png";
  const ImageFiles files = unpack_tar({member("x", record(utf8), 'x'), member("short1", "1"),
                                       member("x", record(latin), 'x'), member("short2", "2")});
  EXPECT_EQ(paths(files), (Paths{utf8, latin}));
}

TEST_F(UnpackArchive, DamagedArchivesAreRefusedAndNothingStays) {
  const fs::path good = folder_ / "good.tar.gz";
  write_packed(good, archive_write_set_format_pax_restricted, archive_write_add_filter_gzip);
  const std::string bytes = read_bytes(good);
  const std::string plain = tar({member("a.png", std::string(5000, 'x'))});
  for (const auto& [name, content] :
       std::map<std::string, std::string>{{"cut.tar.gz", bytes.substr(0, bytes.size() / 2)},
                                          {"cut.tar", plain.substr(0, 2000)},
                                          {"text.tar", "this is no archive\n"},
                                          {"empty.tar", tar({})}}) {
    const fs::path file = put(name, content);
    EXPECT_CONTAINS(user_error_of([&] { unpack(file); }), name);
    EXPECT_TRUE(scratch_is_empty()) << name;
  }
  EXPECT_CONTAINS(user_error_of([&] { unpack(folder_ / "none.tar"); }), "none.tar: no such file");
}

TEST_F(UnpackArchive, StopsWhenCancelledAndLeavesNothing) {
  const fs::path file = put("a.tar", tar({member("a.png", "1")}));
  cancel_.cancel();
  EXPECT_THROW(unpack(file), Interrupted);
  EXPECT_TRUE(scratch_is_empty());
}

TEST_F(UnpackArchive, FingerprintIsThatOfTheArchiveAndNeedsNoUnpacking) {
  const fs::path file = put("a.tar", tar({member("a.png", "1")}));
  EXPECT_EQ(unpack(file).fingerprint, archive_fingerprint(file));
  const std::string first = archive_fingerprint(file);
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_NE(archive_fingerprint(file), first);
}

TEST_F(UnpackArchive, MembersDecodeLikeFiles) {
  const fs::path file = folder_ / "packed.zip";
  write_packed(file, archive_write_set_format_zip, nullptr);
  const testing::Decoded out = testing::decode(unpack(file), {}, folder_ / "pack");
  EXPECT_EQ(out.data.paths, (Paths{"cat/1.png", "dog/2.png"}));
  EXPECT_EQ(out.data.shape, (ImageShape{1, 16, 16}));
  EXPECT_EQ(out.at(0, 0, 7, 7), '1');
  EXPECT_EQ(out.at(1, 0, 7, 7), '2');
}

}  // namespace
}  // namespace coterie
