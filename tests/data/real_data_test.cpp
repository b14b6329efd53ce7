#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "made_files.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using namespace testing;

class RealData : public Loading {
 protected:
  /// How often each class occurs.
  std::vector<int> sizes(const Dataset& dataset) {
    std::vector<int> counts(dataset.class_names.size());
    for (const auto label : dataset.truth) ++counts[label];
    return counts;
  }
};

TEST_F(RealData, Mnist) {
  COTERIE_NEED_DATA("mnist");
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  const Dataset dataset = load(shared_data() / "mnist");
  ASSERT_EQ(dataset.size(), 70000);
  EXPECT_EQ(dataset.shape, (ImageShape{1, 28, 28}));
  EXPECT_EQ(dataset.class_names[dataset.truth.front()], "5");
  EXPECT_EQ(dataset.class_names[dataset.truth.back()], "6");
  // The published counts of the digits 0 to 9, training and test images together.
  EXPECT_EQ(sizes(dataset),
            (std::vector<int>{6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958}));
  EXPECT_EQ(dataset.paths[60000], "t10k-images-idx3-ubyte.gz#0");

  const auto begin = std::chrono::steady_clock::now();
  const Dataset again = load(shared_data() / "mnist");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(progress_.phases.size(), 1u) << "the second load decodes nothing";
  EXPECT_EQ(again.fingerprint, dataset.fingerprint);
  // 10 ms where the machine is idle; decoding takes over ten times as long.
  EXPECT_LT(seconds.count(), 1.0);
}

TEST_F(RealData, MnistTestImagesWithTheirLabelFile) {
  COTERIE_NEED_DATA("mnist");
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  options_.labels = shared_data() / "mnist" / "t10k-labels-idx1-ubyte.gz";
  const Dataset dataset = load(shared_data() / "mnist" / "t10k-images-idx3-ubyte.gz");
  EXPECT_EQ(sizes(dataset),
            (std::vector<int>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  EXPECT_CONTAINS(error_of(shared_data() / "mnist" / "train-images-idx3-ubyte.gz"),
                  "holds 10000 labels");
}

TEST_F(RealData, Usps) {
  COTERIE_NEED_DATA("usps");
  options_.labels = shared_data() / "usps" / "labels.npy";
  const Dataset dataset = load(shared_data() / "usps" / "images.npy");
  ASSERT_EQ(dataset.size(), 9298);
  EXPECT_EQ(dataset.shape, (ImageShape{1, 16, 16}));
  // The published counts of the digits 0 to 9.
  EXPECT_EQ(sizes(dataset), (std::vector<int>{1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821}));
  // Bytes are the reals times 255, rounded.
  const std::string raw_file = bytes_of_file(shared_data() / "usps" / "images.npy");
  const std::size_t start = raw_file.size() - 9298u * 256 * 4;
  for (std::size_t i = 0; i < 9298u * 256; i += 1009) {
    float value = 0;
    std::memcpy(&value, raw_file.data() + start + 4 * i, 4);
    ASSERT_NEAR(dataset.pixels[i], value * 255, 0.5001) << i;
  }
}

TEST_F(RealData, Coil20) {
  COTERIE_NEED_DATA("coil20");
  const Dataset dataset = load(shared_data() / "coil20");
  ASSERT_EQ(dataset.size(), 1440);
  EXPECT_EQ(dataset.shape, (ImageShape{1, 32, 32}));
  EXPECT_EQ(sizes(dataset), std::vector<int>(20, 72));
}

TEST_F(RealData, IsoletIsInFortranOrder) {
  COTERIE_NEED_DATA("isolet1");
  options_.labels = shared_data() / "isolet1" / "labels.npy";
  const Dataset dataset = load(shared_data() / "isolet1" / "features.npy");
  EXPECT_EQ(dataset.features.rows, 1560);
  EXPECT_EQ(dataset.features.cols, 617);
  EXPECT_EQ(sizes(dataset), std::vector<int>(26, 60));
  const std::string file = bytes_of_file(shared_data() / "isolet1" / "features.npy");
  const std::size_t start = file.size() - 1560u * 617 * 4;
  for (const auto& [i, j] :
       std::vector<std::pair<int, int>>{{0, 0}, {1559, 616}, {700, 3}, {3, 500}}) {
    float value = 0;
    std::memcpy(&value, file.data() + start + 4 * (1560u * j + i), 4);
    EXPECT_EQ(dataset.features(i, j), value);
  }
}

TEST_F(RealData, Pendigits) {
  COTERIE_NEED_DATA("pendigits");
  options_.label_column = "label";
  const Dataset dataset = load(shared_data() / "pendigits" / "pendigits.csv");
  EXPECT_EQ(dataset.features.rows, 10992);
  EXPECT_EQ(dataset.features.cols, 16);
  EXPECT_EQ(std::vector<float>(dataset.features.data, dataset.features.data + 4),
            (std::vector<float>{47, 100, 27, 81}));
  EXPECT_EQ(dataset.class_names[dataset.truth[0]], "8");
  // The published counts of the digits 0 to 9.
  EXPECT_EQ(sizes(dataset),
            (std::vector<int>{1143, 1143, 1144, 1055, 1144, 1055, 1056, 1142, 1055, 1055}));
}

TEST_F(RealData, FashionMnistByName) {
  const auto known = known_datasets();
  const auto fashion = std::find_if(known.begin(), known.end(),
                                    [](const auto& k) { return k.name == "fashion-mnist"; });
  ASSERT_NE(fashion, known.end());
  if (!fashion->found) GTEST_SKIP() << "needs fashion-mnist: " << fashion->how_to_get;
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  const Dataset dataset = load("fashion-mnist");
  ASSERT_EQ(dataset.size(), 70000);
  EXPECT_EQ(dataset.shape, (ImageShape{1, 28, 28}));
  EXPECT_EQ(sizes(dataset), std::vector<int>(10, 7000));
  EXPECT_EQ(dataset.source, fashion->found->native());
}

}  // namespace
}  // namespace coterie
