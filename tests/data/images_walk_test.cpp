#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "images_testing.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using testing::ImageFolder;
using testing::TemporaryFolder;
using testing::user_error_of;
using testing::write_bytes;

std::vector<std::string> paths_of(const ImageFiles& files) {
  std::vector<std::string> paths;
  for (const auto& file : files.files) paths.push_back(file.path);
  return paths;
}

std::map<std::string, std::string> bad_of(const ImageFiles& files) {
  std::map<std::string, std::string> bad;
  for (const auto& entry : files.bad) EXPECT_TRUE(bad.emplace(entry.path, entry.cause).second);
  return bad;
}

using Paths = std::vector<std::string>;

TEST(FindImageFiles, ARunAmongThePhotosIsNoPhotos) {
  ImageFolder images;
  fs::create_directories(images / "runs/photos-k3/snapshots");
  fs::create_directories(images / "other");
  for (const char* name : {"a.jpg", "runs/photos-k3/picture.png", "runs/b.jpg", "other/c.jpg"})
    images.add(name, "x");
  write_bytes(images / "runs/photos-k3/manifest.json",
              R"({"coterie": "0.1.0", "status": "running"})");
  write_bytes(images / "other/manifest.json", R"({"name": "of another program"})");
  Paths found = paths_of(images.files());
  std::erase(found, "other/manifest.json");
  EXPECT_EQ(found, (Paths{"a.jpg", "other/c.jpg", "runs/b.jpg"}));
}

TEST(FindImageFiles, GoesDownSortsByBytesAndLeavesOutWhatIsHidden) {
  ImageFolder images;
  fs::create_directories(images / "b/deep");
  fs::create_directories(images / ".cache");
  fs::create_directories(images / "B");
  for (const char* name :
       {"b/deep/2.jpg", "b/1.jpg", "a.jpg", "b.jpg", "B/x.jpg", ".hidden.jpg", ".cache/y.jpg"})
    images.add(name, "x");
  const ImageFiles files = images.files();
  EXPECT_EQ(paths_of(files), (Paths{"B/x.jpg", "a.jpg", "b.jpg", "b/1.jpg", "b/deep/2.jpg"}));
  EXPECT_TRUE(files.bad.empty());
  EXPECT_EQ(files.files[4].file, images / "b/deep/2.jpg");
}

TEST(FindImageFiles, NamesKeepTheirBytes) {
  ImageFolder images;
  const Paths names = {"a\nb.png", "caf\xe9.png", "comma,quote\".png", "x[page=2].png", "\xff\xfe"};
  for (const auto& name : names) images.add(name, "x");
  EXPECT_EQ(paths_of(images.files()), names);
}

TEST(FindImageFiles, SpecialFilesAreBadAndNeverOpened) {
  ImageFolder images;
  images.add("ok.png", "x");
  ASSERT_EQ(mkfifo((images / "pipe.png").c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", (images / "dangling.png").c_str()), 0);
  ASSERT_EQ(symlink("circle.png", (images / "circle.png").c_str()), 0);
  ASSERT_EQ(symlink("/dev/null", (images / "null.png").c_str()), 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = (images / "socket.png").native();
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  std::copy(name.begin(), name.end(), address.sun_path);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(listener);

  const ImageFiles files = images.files();
  EXPECT_EQ(paths_of(files), Paths{"ok.png"});
  EXPECT_EQ(bad_of(files),
            (std::map<std::string, std::string>{{"pipe.png", "is a FIFO"},
                                                {"dangling.png", "a link to nothing"},
                                                {"circle.png", "a link that leads back to itself"},
                                                {"null.png", "is a device"},
                                                {"socket.png", "is a socket"}}));
}

TEST(FindImageFiles, LinksToFilesAreFilesAndLinksToFoldersAreFollowed) {
  ImageFolder images;
  TemporaryFolder elsewhere;
  fs::create_directory(elsewhere / "cats");
  write_bytes(elsewhere / "cats/1.png", "x");
  images.add("a.png", "x");
  fs::create_symlink("a.png", images / "b.png");
  fs::create_directory_symlink(elsewhere / "cats", images / "linked");
  const ImageFiles files = images.files();
  EXPECT_EQ(paths_of(files), (Paths{"a.png", "b.png", "linked/1.png"}));
  EXPECT_TRUE(files.bad.empty());
}

TEST(FindImageFiles, LoopsOfLinksEndAndAFolderKeepsItsOwnName) {
  ImageFolder images;
  fs::create_directories(images / "real/deep");
  images.add("real/1.png", "x").add("real/deep/2.png", "x");
  fs::create_directory_symlink(images.folder(), images / "real/up");
  fs::create_directory_symlink(".", images / "self");
  fs::create_directory_symlink("real", images / "alias");
  const ImageFiles files = images.files();
  EXPECT_EQ(paths_of(files), (Paths{"real/1.png", "real/deep/2.png"}));
  EXPECT_TRUE(files.bad.empty());
}

TEST(FindImageFiles, FoldersLinkedCrosswiseOutsideAreReadOnce) {
  ImageFolder images;
  TemporaryFolder outside;
  // Each links to all others: followed along every path there would be millions of ways.
  for (int i = 0; i < 12; ++i) {
    const fs::path folder = outside / std::to_string(i);
    fs::create_directory(folder);
    write_bytes(folder / "x.png", "x");
    for (int j = 0; j < 12; ++j)
      fs::create_directory_symlink(outside / std::to_string(j),
                                   folder / ("to" + std::to_string(j)));
  }
  fs::create_directory_symlink(outside / "0", images / "start");
  EXPECT_EQ(images.files().files.size(), 12u);
}

TEST(FindImageFiles, UnreadableFolderIsBadAndTheRestGoesOn) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ImageFolder images;
  fs::create_directory(images / "locked");
  images.add("ok.png", "x").add("locked/in.png", "x");
  fs::permissions(images / "locked", fs::perms::none);
  const ImageFiles files = images.files();
  fs::permissions(images / "locked", fs::perms::owner_all);
  EXPECT_EQ(paths_of(files), Paths{"ok.png"});
  EXPECT_EQ(bad_of(files).at("locked"), "folder that cannot be read: permission denied");
}

TEST(FindImageFiles, FingerprintFollowsNamesSizesAndTimes) {
  ImageFolder images;
  images.add("a.png", "1234");
  const std::string first = images.files().fingerprint;
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(images.files().fingerprint, first);
  const auto time = fs::last_write_time(images / "a.png");
  fs::last_write_time(images / "a.png", time + std::chrono::nanoseconds(1));
  EXPECT_NE(images.files().fingerprint, first);
  fs::last_write_time(images / "a.png", time);
  EXPECT_EQ(images.files().fingerprint, first);
  fs::rename(images / "a.png", images / "b.png");
  EXPECT_NE(images.files().fingerprint, first);
  fs::rename(images / "b.png", images / "a.png");
  images.add("a.png", "12345");
  fs::last_write_time(images / "a.png", time);
  EXPECT_NE(images.files().fingerprint, first);
}

TEST(FindImageFiles, MissingFolderIsRefused) {
  TemporaryFolder folder;
  const CancelToken cancel;
  EXPECT_CONTAINS(user_error_of([&] { find_image_files(folder / "none", cancel); }),
                  "none: no such file");
}

TEST(FindImageFiles, StopsWhenCancelled) {
  ImageFolder images;
  images.add("a.png", "x");
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(find_image_files(images.folder(), cancel), Interrupted);
}

TEST(ReadListFile, LinesRelativeToTheListInItsOrder) {
  TemporaryFolder folder;
  fs::create_directory(folder / "sub");
  for (const char* name : {"b.png", "a.png", "sub/c d.png", " lead.png"})
    write_bytes(folder / name, "x");
  const std::string absolute = (folder / "sub/c d.png").native();
  write_bytes(folder / "list.txt",
              "\xef\xbb\xbf"
              "b.png\r\n\r\n  \na.png\n lead.png\n" +
                  absolute + "\nmissing.png\n./b.png\nsub\nsub/c d.png");
  const ImageFiles files = read_list_file(folder / "list.txt", CancelToken());
  EXPECT_EQ(paths_of(files), (Paths{"b.png", "a.png", " lead.png", absolute}));
  EXPECT_EQ(files.files[1].file, folder / "a.png");
  EXPECT_EQ(bad_of(files), (std::map<std::string, std::string>{{"missing.png", "no such file"},
                                                               {"./b.png", "named twice"},
                                                               {"sub", "is a folder"},
                                                               {"sub/c d.png", "named twice"}}));
}

TEST(ReadListFile, NulsSeparateWhereThereAreAny) {
  TemporaryFolder folder;
  write_bytes(folder / "one\nname.png", "x");
  write_bytes(folder / "two.png", "x");
  using namespace std::string_view_literals;
  write_bytes(folder / "list", "one\nname.png\0two.png\0"sv);
  EXPECT_EQ(paths_of(read_list_file(folder / "list", CancelToken())),
            (Paths{"one\nname.png", "two.png"}));
}

TEST(ReadListFile, EmptyListIsRefused) {
  TemporaryFolder folder;
  write_bytes(folder / "list.txt", "\n\r\n");
  EXPECT_CONTAINS(user_error_of([&] { read_list_file(folder / "list.txt", CancelToken()); }),
                  "list.txt names no file");
}

}  // namespace
}  // namespace coterie
