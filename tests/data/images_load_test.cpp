#include <cstdlib>

#include "images_testing.h"
#include "made_files.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using namespace testing;

class LoadImages : public Loading {
 protected:
  void SetUp() override {
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, int>>{{"b,\n\"x\".png", 1}, {"\xff\xfe.png", 2}})
      made("photos/cat/" + name, plain_png(8, value));
    made("photos/dog/c.png", plain_png(8, 3));
    made("photos/dog/broken.png", plain_png(8, 4).substr(0, 60));
  }
  void check(const Dataset& dataset) {
    EXPECT_EQ(dataset.paths, (Names{"cat/b,\n\"x\".png", "cat/\xff\xfe.png", "dog/c.png"}));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(image(dataset, i), Bytes(64, i + 1));
    ASSERT_EQ(dataset.bad_files.size(), 1u);
    EXPECT_EQ(dataset.bad_files[0].path, "dog/broken.png");
  }
  fs::path photos_ = folder_ / "photos";
};

TEST_F(LoadImages, FolderBecomesAPackThatIsUsedAgain) {
  options_.labels = "folders";
  const Dataset first = load(photos_);
  check(first);
  EXPECT_EQ(first.source, photos_.native());
  EXPECT_EQ(first.truth, (Labels{0, 0, 1}));
  EXPECT_EQ(first.class_names, (Names{"cat", "dog"}));
  const std::size_t phases = progress_.phases.size();
  const Dataset second = load(photos_.native() + "/");
  check(second);
  EXPECT_EQ(second.truth, first.truth);
  EXPECT_EQ(second.pack, first.pack);
  EXPECT_EQ(progress_.phases.size(), phases) << "decoded again";
}

TEST_F(LoadImages, ANewFileOrAnotherSizeIsDecodedAgain) {
  load(photos_);
  made("photos/dog/d.png", plain_png(8, 9));
  EXPECT_EQ(load(photos_).size(), 4);
  EXPECT_EQ(packs(), 1u);
  options_.image_size = 16;
  EXPECT_EQ(load(photos_).shape, (ImageShape{1, 16, 16}));
  EXPECT_EQ(packs(), 2u);
  options_.image_size = 0;
  EXPECT_EQ(load(photos_).shape, (ImageShape{1, 8, 8}));
}

TEST_F(LoadImages, ListFileIsKnownByItsFirstLine) {
  const fs::path list = made("some-names", "photos/dog/c.png\nphotos/cat/\xff\xfe.png\nnone.png\n");
  const Dataset dataset = load(list);
  EXPECT_EQ(dataset.paths, (Names{"photos/dog/c.png", "photos/cat/\xff\xfe.png"}));
  EXPECT_EQ(image(dataset, 0), Bytes(64, 3));
  ASSERT_EQ(dataset.bad_files.size(), 1u);
  EXPECT_EQ(dataset.bad_files[0].path, "none.png");
}

TEST_F(LoadImages, ArchiveIsUnpackedOnceAndLeavesNoScratch) {
  const fs::path tar = folder_ / "photos.tar";
  ASSERT_EQ(std::system(
                ("tar -C " + folder_.path().native() + " -cf " + tar.native() + " photos").c_str()),
            0);
  options_.labels = "folders";
  const Dataset first = load(tar);
  check(first);
  EXPECT_EQ(first.truth, (Labels{0, 0, 1}));
  const std::size_t phases = progress_.phases.size();
  check(load(tar));
  EXPECT_EQ(progress_.phases.size(), phases) << "unpacked again";
  EXPECT_EQ(packs(), 1u);
  // The content decides, not the name.
  fs::rename(tar, folder_ / "photos.bin");
  check(load(folder_ / "photos.bin"));
}

TEST_F(LoadImages, LabelsGoByPathWhereFilesAreBad) {
  options_.labels =
      made("truth.csv",
           "path,label\ndog/broken.png,dog\ndog/c.png,dog\n\"cat/b,\n\"\"x\"\".png\",cat\n"
           "cat/\xff\xfe.png,cat\n");
  EXPECT_EQ(load(photos_).truth, (Labels{0, 0, 1}));
  options_.labels = made("truth.npy", npy("|u1", "(4,)", "abcd"));
  EXPECT_CONTAINS(error_of(photos_), "holds 4 labels, but");
  EXPECT_CONTAINS(error_of(photos_), "holds 3 images (1 more could not be used)");
}

TEST_F(LoadImages, FoldersWithoutImagesAreRefused) {
  fs::create_directory(folder_ / "empty");
  EXPECT_CONTAINS(error_of(folder_ / "empty"), "holds no files");
  made("texts/a.txt", "a");
  EXPECT_CONTAINS(error_of(folder_ / "texts"), "none of the 1 files");
  EXPECT_EQ(packs(), 0u);
}

}  // namespace
}  // namespace coterie
