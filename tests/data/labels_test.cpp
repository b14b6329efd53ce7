#include "coterie/data/labels.h"

#include <gtest/gtest.h>

#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;

TEST(EncodeTruth, NumbersAreOrderedByValue) {
  const std::int64_t values[] = {10, -3, 10, 9};
  const Truth truth = encode_truth(values);
  EXPECT_EQ(truth.labels, (Labels{2, 0, 2, 1}));
  EXPECT_EQ(truth.class_names, (Names{"-3", "9", "10"}));
}

TEST(EncodeTruth, TextsAreOrderedByValueOrByBytes) {
  EXPECT_EQ(encode_truth(Names{"10", "9", "-1"}).class_names, (Names{"-1", "9", "10"}));
  EXPECT_EQ(encode_truth(Names{"10", "9", "x"}).class_names, (Names{"10", "9", "x"}));
  EXPECT_EQ(encode_truth(Names{"b", "\xff", "B", "b"}).labels, (Labels{1, 2, 0, 1}));
  // Not one class: a folder "07" is not the folder "7".
  EXPECT_EQ(encode_truth(Names{"07", "7"}).class_names, (Names{"07", "7"}));
}

class AttachTruth : public ::testing::Test {
 protected:
  void SetUp() override {
    dataset_.shape = {1, 1, 1};
    dataset_.pixels = pixels_;
    dataset_.source = "/photos";
    dataset_.paths = {"cat/1.jpg", "dog/a,b.jpg", "cat/\xff.jpg"};
    dataset_.truth = {0, 0, 0};
    dataset_.class_names = {"before"};
  }
  std::filesystem::path made(const std::string& name, const std::string& bytes) {
    save(folder_ / name, bytes);
    return folder_ / name;
  }
  void attach(const std::filesystem::path& labels) { attach_truth(dataset_, labels); }
  std::string error_of(const std::filesystem::path& labels) {
    const std::string error = user_error_of([&] { attach(labels); });
    EXPECT_EQ(dataset_.class_names, Names{"before"}) << "truth changed in spite of the error";
    return error;
  }

  std::uint8_t pixels_[3] = {};
  TemporaryFolder folder_;
  Dataset dataset_;
};

TEST_F(AttachTruth, FoldersAreTheClasses) {
  attach("folders");
  EXPECT_EQ(dataset_.truth, (Labels{0, 1, 0}));
  EXPECT_EQ(dataset_.class_names, (Names{"cat", "dog"}));
}

TEST_F(AttachTruth, AFileWithoutFolderIsNamed) {
  dataset_.paths[1] = "stray,\n.jpg";
  const auto error = error_of("folders");
  EXPECT_CONTAINS(error, "'stray,\\x0a.jpg' lies in no class folder inside /photos");
}

TEST_F(AttachTruth, ArraysHaveNoFolders) {
  dataset_.paths = {"x#0", "x#1", "x#2"};
  EXPECT_CONTAINS(error_of("folders"), "rows lie in no folders");
}

TEST_F(AttachTruth, IdxAndNpyGoByRow) {
  attach(made("l-ubyte", idx({3}, "\5\4\5")));
  EXPECT_EQ(dataset_.truth, (Labels{1, 0, 1}));
  EXPECT_EQ(dataset_.class_names, (Names{"4", "5"}));
  attach(made("l.npy", npy("<i4", "(3,)", raw<std::int32_t>({7, 8, 9}))));
  EXPECT_EQ(dataset_.truth, (Labels{0, 1, 2}));
}

TEST_F(AttachTruth, AnotherLengthIsRefusedWithBothCounts) {
  const auto labels = made("l.npy", npy("<i4", "(2,)", raw<std::int32_t>({7, 8})));
  const auto error = error_of(labels);
  EXPECT_CONTAINS(error, "holds 2 labels");
  EXPECT_CONTAINS(error, "/photos holds 3 images");
  dataset_.bad_files = {{"bad.jpg", "cut off"}};
  EXPECT_CONTAINS(error_of(labels), "1 more could not be used");
}

TEST_F(AttachTruth, CsvGoesByPathBytesInAnyOrder) {
  attach(made("l.csv",
              "label,extra,path\n"
              "big,1,cat/\xff.jpg\nsmall,2,\"dog/a,b.jpg\"\nbig,3,cat/1.jpg\nbig,4,other.jpg\n"));
  EXPECT_EQ(dataset_.truth, (Labels{0, 1, 0}));
  EXPECT_EQ(dataset_.class_names, (Names{"big", "small"}));
}

TEST_F(AttachTruth, MissingAndDoublePathsAreNamed) {
  const auto missing = error_of(made("l.csv", "path,label\ncat/1.jpg,a\n"));
  EXPECT_CONTAINS(missing, "no label for 2 of 3 images: 'dog/a,b.jpg', 'cat/\\xff.jpg'");
  const auto twice = error_of(made("l.csv", "path,label\ncat/1.jpg,a\ncat/1.jpg,a\n"));
  EXPECT_CONTAINS(twice, "more than one label for 'cat/1.jpg'");
}

TEST_F(AttachTruth, CsvOfAnotherFormIsRefused) {
  EXPECT_CONTAINS(error_of(made("l.csv", "file,label\nx,1\n")), "no column 'path'");
  EXPECT_CONTAINS(error_of(made("l.csv", "path,class\nx,1\n")), "begins with 'path,class'");
  EXPECT_CONTAINS(error_of(made("l.csv", "")), "is empty");
  EXPECT_CONTAINS(error_of(made("l.csv", "path,label\ncat/1.jpg\n")), "line 2 has 1 fields");
  EXPECT_CONTAINS(error_of(made("l.csv", "path,label\ncat/1.jpg,\n")),
                  "line 2 has no label for 'cat/1.jpg'");
}

TEST_F(AttachTruth, OtherFilesAreRefused) {
  EXPECT_CONTAINS(error_of(made("l.png", "\x89PNG\r\n")), "no label file");
  made("labels.npy", "");
  const auto error = error_of(folder_ / "lables.npy");
  EXPECT_CONTAINS(error, "label file");
  EXPECT_CONTAINS(error, "did you mean 'labels.npy'?");
}

TEST_F(AttachTruth, ImagesAreNoLabels) {
  EXPECT_CONTAINS(error_of(made("x-ubyte", idx({3, 1, 1}, "abc"))), "3 dimensions");
}

}  // namespace
}  // namespace coterie
