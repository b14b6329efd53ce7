#include "coterie/data/idx.h"

#include <gtest/gtest.h>

#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;

class Idx : public Loading {
 protected:
  std::string error_with(const std::string& bytes, const std::string& name = "x-ubyte") {
    return error_of(made(name, bytes));
  }
};

TEST_F(Idx, ReadsGreyImages) {
  const Dataset dataset = load(made("x-ubyte", idx({2, 2, 3}, counting(12))));
  EXPECT_EQ(dataset.shape, (ImageShape{1, 2, 3}));
  EXPECT_EQ(image(dataset, 0), (Bytes{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(image(dataset, 1), (Bytes{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(dataset.paths, (Names{"x-ubyte#0", "x-ubyte#1"}));
  EXPECT_FALSE(dataset.has_truth());
}

TEST_F(Idx, IsKnownByItsBytesUnderAnyName) {
  EXPECT_EQ(load(made("whatever", idx({1, 1, 2}, "ab"))).size(), 1);
}

TEST_F(Idx, ReadsColourImages) {
  const Dataset dataset = load(made("x-ubyte", idx({1, 1, 2, 3}, counting(6))));
  EXPECT_EQ(dataset.shape, (ImageShape{3, 1, 2}));
  EXPECT_EQ(image(dataset, 0), (Bytes{0, 3, 1, 4, 2, 5}));
}

TEST_F(Idx, ReadsMoreThanOnePieceInOrder) {
  // 3 MiB, in pieces of 1 MiB.
  const std::string data = counting(3 * 1024 * 1024);
  const Dataset dataset = load(made("x-ubyte", idx({3072, 32, 32}, data)));
  EXPECT_EQ(std::string(dataset.pixels, dataset.pixels + data.size()), data);
}

TEST_F(Idx, ReadsCompressedFiles) {
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  const std::string data = counting(200000);
  const Dataset dataset = load(made("x-ubyte.gz", gzip(idx({200, 100, 10}, data))));
  EXPECT_EQ(std::string(dataset.pixels, dataset.pixels + data.size()), data);
  // Members one after the other are one file; zeros after them are padding.
  const std::string whole = idx({1, 1, 4}, "abcd");
  const auto pieces = made(
      "pieces-ubyte.gz", gzip(whole.substr(0, 7)) + gzip(whole.substr(7)) + std::string(100, '\0'));
  EXPECT_EQ(image(load(pieces), 0), (Bytes{'a', 'b', 'c', 'd'}));
}

TEST_F(Idx, DamagedCompressedFilesAreTold) {
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  const auto error_gz = [&](const std::string& bytes) { return error_with(bytes, "x-ubyte.gz"); };
  const std::string good = gzip(idx({2, 2, 3}, counting(12)));
  for (std::size_t size = 2; size < good.size(); ++size)
    EXPECT_CONTAINS(error_gz(good.substr(0, size)), "cut off");
  std::string wrong = good;
  wrong[wrong.size() - 10] ^= 1;  // a pixel
  EXPECT_CONTAINS(error_gz(wrong), "damaged: incorrect data check");
  wrong = good;
  wrong[wrong.size() - 7] ^= 1;  // the checksum
  EXPECT_CONTAINS(error_gz(wrong), "incorrect data check");
  EXPECT_CONTAINS(error_gz(good + "junk"), "4 bytes after its compressed data");
  EXPECT_CONTAINS(error_gz(gzip(idx({2, 2, 3}, counting(11)))), "promises 12 bytes of data, 11");
  EXPECT_CONTAINS(error_gz(gzip(idx({2, 2, 3}, counting(13)))), "bytes after the 12");
  EXPECT_EQ(packs(), 0u);
}

TEST_F(Idx, WrongSizesAreTold) {
  EXPECT_CONTAINS(error_with(idx({2, 2, 3}, counting(11))),
                  "is cut off: its header (2 x 2 x 3) promises 12 bytes of data, 11 are there");
  EXPECT_CONTAINS(error_with(idx({2, 2, 3}, counting(14))), "has bytes after its data");
  EXPECT_CONTAINS(error_with(idx({2, 2, 3}, "").substr(0, 9)), "cut off in its header");
  EXPECT_CONTAINS(error_with(idx({0, 28, 28}, "")), "no pixel");
  EXPECT_CONTAINS(error_with(idx({4294967295, 4294967295, 4294967295}, "")),
                  "larger than any memory");
}

TEST_F(Idx, HugeImagesInCompressedFilesTakeNoMemory) {
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  EXPECT_CONTAINS(error_with(gzip(idx({1, 65535, 65535}, "ab")), "x-ubyte.gz"), "larger than");
  EXPECT_CONTAINS(error_with(gzip(idx({4294967295, 1, 1}, "ab")), "x-ubyte.gz"), "2 are there");
}

TEST_F(Idx, WrongMagicTypeAndShapeAreTold) {
  EXPECT_CONTAINS(error_with("\x12\x34\x56\x78 something"), "12 34 56 78");
  EXPECT_CONTAINS(error_with(""), "no IDX file");
  EXPECT_CONTAINS(error_with(idx({1, 1, 1}, "abcd", 0x0d)), "float32");
  EXPECT_CONTAINS(error_with(idx({1, 1, 1}, "abcd", 0x07)), "no IDX file");
  EXPECT_CONTAINS(error_with(idx({3}, "abc")), "which are labels");
  EXPECT_CONTAINS(error_with(idx({3, 1}, "abc")), "3 x 1");
  EXPECT_CONTAINS(error_with(idx({1, 1, 1, 2}, "ab")), "C = 1 or 3");
}

TEST_F(Idx, LabelsAreOneDimensional) {
  const std::string values("\2\0\xff", 3);
  EXPECT_EQ(read_idx_labels(made("l-ubyte", idx({3}, values))),
            (std::vector<std::int64_t>{2, 0, 255}));
  const auto error = [&](const std::string& bytes) {
    return user_error_of([&] { read_idx_labels(made("l-ubyte", bytes)); });
  };
  EXPECT_CONTAINS(error(idx({1, 1, 1}, "a")), "3 dimensions (1 x 1 x 1)");
  EXPECT_CONTAINS(error(idx({3}, "ab")), "promises 3 bytes of data, 2");
}

}  // namespace
}  // namespace coterie
