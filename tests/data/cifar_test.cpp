#include "coterie/data/cifar.h"

#include <gtest/gtest.h>

#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;

/// A record of 3 x 32 x 32 pixels, the first of which is `start`.
std::string record(std::initializer_list<int> labels, int start) {
  std::string bytes;
  for (const int label : labels) bytes += static_cast<char>(label);
  return bytes + counting(3072, start);
}

class Cifar : public Loading {
 protected:
  void SetUp() override { std::filesystem::create_directories(set_); }
  void add(const std::string& name, const std::string& bytes) { save(set_ / name, bytes); }
  std::filesystem::path set_ = folder_ / "set";
};

TEST_F(Cifar, ReadsBatchesInOrderThenTheTestBatch) {
  add("test_batch.bin", record({0}, 9));
  add("data_batch_1.bin", record({3}, 0) + record({9}, 1));
  add("data_batch_2.bin", record({3}, 2));
  const Dataset dataset = load(set_);
  ASSERT_EQ(dataset.size(), 4);
  EXPECT_EQ(dataset.shape, (ImageShape{3, 32, 32}));
  EXPECT_EQ(dataset.paths[1], "data_batch_1.bin#1");
  EXPECT_EQ(dataset.paths[3], "test_batch.bin#0");
  EXPECT_EQ(dataset.truth, (Labels{1, 2, 1, 0}));
  EXPECT_EQ(dataset.class_names, (Names{"0", "3", "9"}));
  const std::string expected = counting(3072, 1);
  EXPECT_EQ(image(dataset, 1), Bytes(expected.begin(), expected.end()));
  EXPECT_EQ(image(dataset, 3)[0], 9);
  ASSERT_EQ(progress_.warnings.size(), 1u);
  EXPECT_CONTAINS(progress_.warnings[0], "data_batch_3.bin, data_batch_4.bin, data_batch_5.bin");
}

TEST_F(Cifar, TakesClassNamesFromTheirFile) {
  add("test_batch.bin", record({1}, 0) + record({9}, 0));
  add("batches.meta.txt",
      "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  EXPECT_EQ(load(set_).class_names, (Names{"automobile", "truck"}));
}

TEST_F(Cifar, FindsTheFolderThatTheArchiveUnpacksTo) {
  add("cifar-10-batches-bin/test_batch.bin", record({1}, 7));
  EXPECT_EQ(image(load(set_), 0)[0], 7);
}

TEST_F(Cifar, HundredTakesTheCoarseClasses) {
  add("test.bin", record({19, 99}, 5));
  add("train.bin", record({4, 0}, 0) + record({4, 50}, 1));
  const Dataset dataset = load(set_);
  EXPECT_EQ(dataset.truth, (Labels{0, 0, 1}));
  EXPECT_EQ(dataset.class_names, (Names{"4", "19"}));
  EXPECT_EQ(image(dataset, 2)[0], 5);
  EXPECT_EQ(dataset.paths[2], "test.bin#0");
}

TEST_F(Cifar, ClassNamesThatComeLaterAreTaken) {
  add("test_batch.bin", record({1}, 0) + record({0}, 5));
  EXPECT_EQ(load(set_).class_names, (Names{"0", "1"}));
  add("batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n");
  EXPECT_EQ(load(set_).class_names, (Names{"airplane", "automobile"}));
}

TEST_F(Cifar, StlImagesAreTurnedToRows) {
  // Value at column x, row y of plane c: 10 c + x + 3 y, stored column by column.
  std::string stored;
  for (int c = 0; c < 3; ++c)
    for (int x = 0; x < 96; ++x)
      for (int y = 0; y < 96; ++y) stored += static_cast<char>((10 * c + x + 3 * y) % 256);
  add("train_X.bin", stored);
  add("train_y.bin", "\x0a");
  add("test_X.bin", stored + stored);
  add("test_y.bin", "\1\2");
  add("unlabeled_X.bin", "not looked at");
  const Dataset dataset = load(set_);
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.shape, (ImageShape{3, 96, 96}));
  EXPECT_EQ(dataset.truth, (Labels{2, 0, 1}));
  EXPECT_EQ(dataset.class_names, (Names{"0", "1", "9"}));
  const Bytes pixels = image(dataset, 1);
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 96; ++x)
        ASSERT_EQ(pixels[(c * 96 + y) * 96 + x], (10 * c + x + 3 * y) % 256);
}

TEST_F(Cifar, WrongSizesAreRefused) {
  add("test_batch.bin", record({1}, 0) + "x");
  const auto error = error_of(set_);
  EXPECT_CONTAINS(error, "test_batch.bin has 3074 bytes");
  EXPECT_CONTAINS(error, "records of 3073 bytes");
  add("test_batch.bin", "");
  EXPECT_CONTAINS(error_of(set_), "has 0 bytes");
}

TEST_F(Cifar, WrongLabelsAreRefused) {
  add("test_batch.bin", record({1}, 0) + record({10}, 0));
  EXPECT_CONTAINS(error_of(set_), "record 1 has the label 10; allowed is 0 to 9");
}

TEST_F(Cifar, AMissingBatchInTheMiddleIsRefused) {
  add("data_batch_1.bin", record({1}, 0));
  add("data_batch_3.bin", record({1}, 0));
  EXPECT_CONTAINS(error_of(set_), "data_batch_3.bin but not data_batch_2.bin");
}

TEST_F(Cifar, StlLabelsMustFit) {
  add("train_X.bin", counting(27648));
  add("train_y.bin", "\1\2");
  EXPECT_CONTAINS(error_of(set_), "2 labels for 1 images");
  add("train_y.bin", "\x0b");
  EXPECT_CONTAINS(error_of(set_), "label 0 is 11; allowed is 1 to 10");
  add("test_X.bin", counting(27648));
  EXPECT_CONTAINS(error_of(set_), "2 image files, but label files for 1");
}

TEST_F(Cifar, FolderOfIdxPairsIsReadTrainFirst) {
  add("t10k-images-idx3-ubyte", idx({1, 1, 2}, "yz"));
  add("t10k-labels-idx1-ubyte", idx({1}, "\5"));
  add("train-images.idx3-ubyte", idx({2, 1, 2}, "abcd"));
  add("train-labels.idx1-ubyte", idx({2}, std::string("\7\0", 2)));
  const Dataset dataset = load(set_);
  EXPECT_EQ(std::string(dataset.pixels, dataset.pixels + 6), "abcdyz");
  EXPECT_EQ(dataset.truth, (Labels{2, 0, 1}));
  EXPECT_EQ(dataset.class_names, (Names{"0", "5", "7"}));
  EXPECT_EQ(dataset.paths, (Names{"train-images.idx3-ubyte#0", "train-images.idx3-ubyte#1",
                                  "t10k-images-idx3-ubyte#0"}));
}

TEST_F(Cifar, IdxPairsMustFit) {
  add("train-images-idx3-ubyte", idx({2, 1, 2}, "abcd"));
  add("train-labels-idx1-ubyte", idx({1}, "\5"));
  EXPECT_CONTAINS(error_of(set_), "1 labels, but");
  add("train-labels-idx1-ubyte", idx({2}, "\5\5"));
  add("t10k-images-idx3-ubyte", idx({1, 2, 2}, "wxyz"));
  add("t10k-labels-idx1-ubyte", idx({1}, "\5"));
  const auto error = error_of(set_);
  EXPECT_CONTAINS(error, "t10k-images-idx3-ubyte holds images of 1 x 2 x 2");
  EXPECT_CONTAINS(error, "1 x 1 x 2");
}

TEST_F(Cifar, FolderOfNpyImagesAndLabels) {
  add("images.npy", npy("|u1", "(2, 1, 2)", "abcd"));
  EXPECT_FALSE(load(set_).has_truth());
  add("labels.npy", npy("<i8", "(2,)", raw<std::int64_t>({4, 1})));
  EXPECT_EQ(load(set_).truth, (Labels{1, 0}));
  add("labels.npy", npy("<i8", "(1,)", raw<std::int64_t>({4})));
  EXPECT_CONTAINS(error_of(set_), "2 images, but its label files hold 1 labels");
}

}  // namespace
}  // namespace coterie
