#include "coterie/data/pack.h"

#include <gtest/gtest.h>

#include <thread>

#include "coterie/core/sha256.h"
#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;

/// Three images of 2 x 1 x 2 with names that no text format would carry.
PackContent small_content(const std::string& pixels) {
  PackContent content;
  content.shape = {2, 1, 2};
  content.pixels = reinterpret_cast<const std::uint8_t*>(pixels.data());
  content.paths = {"a,\"b\"\n.png", "\xff\xfe.jpg", ""};
  content.truth = {1, 0, 1};
  content.class_names = {"ant",
                         "b\xe9"
                         "e"};
  content.bad_files = {{"bad\n.png", "it is cut off"}};
  content.source = "/some/photos\xff";
  content.source_fingerprint = "f00d";
  return content;
}

class Pack : public ::testing::Test {
 protected:
  std::string write_small() {
    write_pack(path_, small_content(pixels_));
    return bytes_of_file(path_);
  }
  std::string error_with(const std::string& bytes) {
    save(path_, bytes);
    return user_error_of([&] { open_pack(path_); });
  }
  /// The pack's bytes with a text of the header replaced by one of the same length.
  std::string with(const std::string& from, const std::string& to) {
    std::string bytes = write_small();
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    return bytes.replace(at, from.size(), to);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "x.pack";
  std::string pixels_ = counting(12);
};

TEST_F(Pack, GivesBackWhatWasWritten) {
  write_small();
  const Dataset dataset = open_pack(path_);
  const PackContent content = small_content(pixels_);
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.shape, content.shape);
  EXPECT_EQ(std::string(dataset.pixels, dataset.pixels + 12), pixels_);
  EXPECT_EQ(dataset.paths, content.paths);
  EXPECT_EQ(dataset.truth, content.truth);
  EXPECT_EQ(dataset.class_names, content.class_names);
  ASSERT_EQ(dataset.bad_files.size(), 1u);
  EXPECT_EQ(dataset.bad_files[0].path, "bad\n.png");
  EXPECT_EQ(dataset.bad_files[0].cause, "it is cut off");
  EXPECT_EQ(dataset.source, content.source);
  EXPECT_EQ(dataset.pack, path_);
  EXPECT_EQ(pack_source_fingerprint(path_), "f00d");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(dataset.pixels) % 4096, 0u);
}

TEST_F(Pack, PathsAreNotInTheJsonHeader) {
  const std::string bytes = write_small();
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data() + 8, 8);
  EXPECT_EQ(bytes.substr(16, length).find("png"), std::string::npos);
}

TEST_F(Pack, FingerprintIsTheHashOfShapeAndPixels) {
  write_small();
  EXPECT_EQ(open_pack(path_).fingerprint, sha256_hex("images 3 2 1 2\n" + pixels_));
}

TEST_F(Pack, SlotsFilledByThreadsInAnyOrderKeepTheirPlace) {
  const ImageShape shape{1, 10, 10};
  constexpr int kCount = 1000;
  PackWriter writer(path_, shape, kCount);
  const auto fill = [&](int rank) {
    for (int i = kCount - 1 - rank; i >= 0; i -= 4)
      writer.write_images(i, Bytes(100, static_cast<std::uint8_t>(i % 256)));
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 4; ++rank) threads.emplace_back(fill, rank);
  for (auto& thread : threads) thread.join();
  PackContent content;
  for (int i = 0; i < kCount; ++i) content.paths.push_back(std::to_string(i));
  writer.finish(content);
  const Dataset dataset = open_pack(path_);
  for (int i = 0; i < kCount; ++i)
    for (const std::uint8_t pixel : dataset.training_data().image(i)) ASSERT_EQ(pixel, i % 256);
}

TEST_F(Pack, EmptySlotsAreSqueezedOut) {
  PackWriter writer(path_, {1, 1, 2}, 6);
  for (const int slot : {5, 1, 2}) writer.write_images(slot, Bytes(2, slot));
  PackContent content;
  content.paths = {"one", "two", "five"};
  writer.finish(content, {1, 2, 5});
  const Dataset dataset = open_pack(path_);
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(Bytes(dataset.pixels, dataset.pixels + 6), (Bytes{1, 1, 2, 2, 5, 5}));
  // The same images without gaps have the same fingerprint.
  const std::string squeezed = dataset.fingerprint;
  EXPECT_EQ(squeezed, sha256_hex(std::string("images 3 1 1 2\n\1\1\2\2\5\5")));
}

TEST_F(Pack, SqueezesRunsLongerThanTheCopyBuffer) {
  // 3 MiB an image: one fits into the buffer of 4 MiB.
  const ImageShape shape{3, 1024, 1024};
  const auto bytes = static_cast<std::size_t>(shape.pixels());
  PackWriter writer(path_, shape, 4);
  for (const int slot : {0, 2, 3}) writer.write_images(slot, Bytes(bytes, 10 + slot));
  PackContent content;
  content.paths = {"0", "2", "3"};
  writer.finish(content, {0, 2, 3});
  const Dataset dataset = open_pack(path_);
  for (int i = 0; i < 3; ++i) {
    const auto pixels = dataset.training_data().image(i);
    EXPECT_EQ(Bytes(pixels.begin(), pixels.end()), Bytes(bytes, i == 0 ? 10 : 11 + i));
  }
}

TEST_F(Pack, OfAPartHoldsItsImages) {
  write_small();
  const auto part = path_.parent_path() / "part.pack";
  write_pack_of_part(part, open_pack(path_), {.classes = 1});
  const Dataset dataset = open_pack(part);
  ASSERT_EQ(dataset.size(), 1);
  EXPECT_EQ(dataset.paths[0], "\xff\xfe.jpg");
  EXPECT_EQ(dataset.truth, std::vector<std::int32_t>{0});
  EXPECT_EQ(dataset.class_names, std::vector<std::string>{"ant"});
  const auto image = dataset.training_data().image(0);
  EXPECT_EQ(std::string(image.begin(), image.end()), pixels_.substr(4, 4));
  EXPECT_CONTAINS(
      user_error_of([&] { write_pack_of_part(part, open_pack(path_), {.classes = 3}); }),
      "its first 3 classes are asked for, but its ground truth has 2");

  write_pack_of_part(part, open_pack(path_), {.images = 1});
  const Dataset first = open_pack(part);
  ASSERT_EQ(first.size(), 1);
  EXPECT_EQ(first.paths[0], open_pack(path_).paths[0]);
  EXPECT_EQ(first.class_names.size(), 2u);
  EXPECT_CONTAINS(
      user_error_of([&] { write_pack_of_part(part, open_pack(path_), {.images = 99}); }),
      "its first 99 images are asked for");
}

TEST_F(Pack, WithoutFinishNothingStays) {
  { PackWriter(path_, {1, 1, 1}, 1).write_images(0, Bytes{7}); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Pack, ImagesOutsideTheSlotsAreOurBug) {
  PackWriter writer(path_, {1, 1, 2}, 2);
  EXPECT_THROW(writer.write_images(2, Bytes(2)), std::out_of_range);
  EXPECT_THROW(writer.write_images(1, Bytes(4)), std::out_of_range);
  EXPECT_THROW(writer.write_images(-1, Bytes(2)), std::out_of_range);
  EXPECT_THROW(writer.write_images(0, Bytes(3)), std::out_of_range);
}

TEST_F(Pack, ForeignAndTornFilesAreRefused) {
  EXPECT_CONTAINS(error_with(""), "does not begin with COTPACK1");
  EXPECT_CONTAINS(error_with("\x89PNG and more"), "does not begin with COTPACK1");
  const std::string whole = write_small();
  EXPECT_CONTAINS(error_with(whole.substr(0, 100)), "cut off in its header");
  EXPECT_CONTAINS(error_with(whole.substr(0, whole.size() - 1)), "bytes where");
  EXPECT_CONTAINS(error_with(whole + "x"), "bytes where");
  EXPECT_CONTAINS(error_with(whole.substr(0, 4096)), "4096 bytes where");
  std::string header = whole;
  header.replace(8, 8, std::string(8, '\xff'));
  EXPECT_CONTAINS(error_with(header), "header length");
  header = whole;
  header[16] = 'x';
  EXPECT_CONTAINS(error_with(header), "no JSON");
}

TEST_F(Pack, EveryCutOffLengthIsRefused) {
  const std::string whole = write_small();
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    EXPECT_CONTAINS(error_with(whole.substr(0, size)), "no usable pack");
    EXPECT_EQ(pack_source_fingerprint(path_), "");
  }
}

TEST_F(Pack, HeaderThatDisagreesWithTheFileIsRefused) {
  EXPECT_CONTAINS(error_with(with("\"count\":3,\"file", "\"count\":2,\"file")),
                  "shape does not fit");
  EXPECT_CONTAINS(error_with(with("\"height\":1", "\"height\":0")), "shape does not fit");
  EXPECT_CONTAINS(error_with(with("\"height\":1", "\"height\":9")), "shape does not fit");
  EXPECT_CONTAINS(error_with(with("\"pixels\":4096", "\"pixels\":4097")), "pixels lie outside");
  EXPECT_CONTAINS(error_with(with("\"pixels\":4096", "\"pixels\":9999")), "pixels lie outside");
  EXPECT_CONTAINS(error_with(with("\"width\":2", "\"width\":-")), "no JSON");
  EXPECT_CONTAINS(error_with(with("\"width\"", "\"wider\"")), "'width'");
  EXPECT_CONTAINS(error_with(with("\"offset\":8192", "\"offset\":4096")), "'paths' is damaged");
  EXPECT_CONTAINS(error_with(with("\"truth\"", "\"trues\"")), "'truth'");
}

TEST_F(Pack, DamagedSectionsAreRefused) {
  std::string bytes = write_small();
  const std::size_t paths = 8192;  // pixels end on the page after theirs
  const std::string huge(8, '\x7f');
  EXPECT_CONTAINS(error_with(std::string(bytes).replace(paths, 8, huge)), "'paths' is damaged");
  // The ends of the three paths are 10, 16 and 16.
  const auto with_end = [&](int path, std::uint64_t end) {
    return std::string(bytes).replace(paths + 8 * path, 8, raw<std::uint64_t>({end}));
  };
  EXPECT_CONTAINS(error_with(with_end(1, 9)), "'paths' is damaged");
  EXPECT_CONTAINS(error_with(with_end(2, 17)), "'paths' is damaged");
  // Truth follows the paths: three ends, then 10 + 6 + 0 bytes.
  const std::size_t truth = paths + 24 + 10 + 6;
  ASSERT_EQ(bytes.substr(truth, 12), raw<std::int32_t>({1, 0, 1}));
  EXPECT_CONTAINS(error_with(std::string(bytes).replace(truth, 4, raw<std::int32_t>({2}))),
                  "'truth' is damaged");
  EXPECT_CONTAINS(error_with(std::string(bytes).replace(truth, 4, raw<std::int32_t>({-1}))),
                  "'truth' is damaged");
}

TEST_F(Pack, ShapesWithoutPixelsOrBeyondMemoryAreRefused) {
  const auto error = [&](ImageShape shape, std::int64_t count) {
    return user_error_of([&] { PackWriter(path_, shape, count); });
  };
  EXPECT_CONTAINS(error({1, 0, 4}, 1), "1 x 0 x 4");
  EXPECT_CONTAINS(error({3, 1 << 30, 1 << 30}, 10), "2^62");
  EXPECT_CONTAINS(error({1, 1, 1}, -1), "-1 images");
}

TEST_F(Pack, MissingFolderIsNamed) {
  const auto message = user_error_of([&] { PackWriter(folder_ / "no" / "x.pack", {1, 1, 1}, 1); });
  EXPECT_CONTAINS(message, "no/x.pack");
}

}  // namespace
}  // namespace coterie
