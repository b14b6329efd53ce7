#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "images_testing.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using testing::animated_gif;
using testing::busy_image;
using testing::Decoded;
using testing::HandmadePng;
using testing::ImageFolder;
using testing::plain_png;
using testing::read_bytes;
using testing::user_error_of;
using testing::write_bytes;

/// Writes a picture of 64 x 64 as `name`, with options for the encoder as libvips reads them.
void save(const ImageFolder& images, const std::string& name, const std::string& options = "") {
  const auto image = busy_image(64);
  ASSERT_EQ(
      vips_image_write_to_file(image.get(), ((images / name).native() + options).c_str(), nullptr),
      0)
      << vips_error_buffer();
}

void cut(const fs::path& file, double share) {
  fs::resize_file(file,
                  static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(file)) * share));
}

TEST(BadImages, TruncatedFilesOfEveryKindAreSeenWhereverTheyEnd) {
  for (const double share : {0.5, 0.93}) {
    ImageFolder images;
    images.add("ok.png", plain_png(8, 1));
    save(images, "a.jpg");
    save(images, "progressive.jpg", "[interlace]");
    save(images, "b.png");
    save(images, "interlaced.png", "[interlace]");
    save(images, "c.webp", "[lossless]");
    save(images, "d.tif");
    save(images, "e.tif", "[compression=deflate]");
    images.add("f.gif", animated_gif(64, {1}));
    for (const auto& file : images.files().files)
      if (file.path != "ok.png") cut(file.file, share);
    const Decoded out = images.decoded();
    EXPECT_EQ(out.data.paths, std::vector<std::string>{"ok.png"});
    EXPECT_EQ(out.bad.size(), 8u);
    for (const auto& [path, cause] : out.bad)
      EXPECT_TRUE(cause.starts_with("truncated: ")) << path << " at " << share << ": " << cause;
  }
}

TEST(BadImages, AnAnimationThatLostALaterFrameStillHasItsFirst) {
  ImageFolder images;
  const std::string whole = animated_gif(16, {100, 20});
  images.add("a.gif", whole.substr(0, whole.size() - 30));
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.size(), 1);
  EXPECT_EQ(out.at(0, 0, 15, 15), 100);
}

TEST(BadImages, ATruncatedEndOutsideTheSquareIsSeenToo) {
  ImageFolder images;
  // 60 x 600: the square ends 270 rows, more than any decoder reads ahead, before the damage.
  const std::vector<std::string> rows(600, std::string(60, 'x'));
  const std::string whole = HandmadePng(60, 600, 8, 0).rows(rows).finish();
  images.add("whole.png", whole).add("cut.png", whole.substr(0, whole.size() - 200));
  const Decoded out = images.decoded();
  EXPECT_EQ(out.data.paths, std::vector<std::string>{"whole.png"});
  EXPECT_TRUE(out.bad.at("cut.png").starts_with("truncated: ")) << out.bad.at("cut.png");
}

TEST(BadImages, DamageInsideAJpegIsSeenAndStrayBytesAreForgiven) {
  ImageFolder images;
  save(images, "ok.jpg");
  const std::string whole = read_bytes(images / "ok.jpg");
  std::string damaged = whole;
  // An end marker in the middle of the picture: the decoder would fill the rest with grey.
  damaged.replace(damaged.size() / 2, 2, "\xff\xd9");
  images.add("damaged.jpg", damaged);
  std::string stray = whole;
  stray.insert(stray.size() - 2, "stray");
  images.add("stray.jpg", stray);
  const Decoded out = images.decoded();
  EXPECT_EQ(out.data.paths, (std::vector<std::string>{"ok.jpg", "stray.jpg"}));
  EXPECT_EQ(out.pixels(0), out.pixels(1));
  EXPECT_EQ(out.bad.at("damaged.jpg"),
            "truncated: Corrupt JPEG data: premature end of data segment");
}

TEST(BadImages, AWrongChecksumInAPngIsSeen) {
  ImageFolder images;
  std::string bytes = plain_png(8, 200);
  images.add("ok.png", bytes);
  bytes[bytes.find("IDAT") + 20] ^= 1;
  images.add("flipped.png", bytes);
  const Decoded out = images.decoded();
  EXPECT_EQ(out.data.size(), 1);
  EXPECT_CONTAINS(out.bad.at("flipped.png"), "CRC error");
}

TEST(BadImages, FilesThatAreNoImagesSayWhatTheyAre) {
  ImageFolder images;
  images.add("ok.png", plain_png(8, 1))
      .add("empty.jpg", "")
      .add("text.jpg", "Dear diary,\n")
      .add("table.csv", "a,b\n1,2\n")
      .add("one byte.png", "\x89")
      .add("photo.bmp", "BM" + std::string(60, '\0'))
      .add("scan.pdf", "%PDF-1.4\n")
      .add("drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
      .add("magick.jpg", "push graphic-context\nviewbox 0 0 640 480\n")
      .add("vips.v", std::string("\xb6\xa6\xf2\x08", 4) + std::string(80, '\0'))
      .add("portable.ppm", "P6 1 1 255\nabc");
  const Decoded out = images.decoded();
  EXPECT_EQ(out.data.paths, std::vector<std::string>{"ok.png"});
  const std::string unknown = "not an image of a known kind";
  EXPECT_EQ(out.bad, (std::map<std::string, std::string>{
                         {"empty.jpg", "empty file"},
                         {"text.jpg", unknown},
                         {"table.csv", unknown},
                         {"one byte.png", unknown},
                         {"photo.bmp", "BMP files are not read: save it as PNG or JPEG"},
                         {"scan.pdf", "PDF files are not read: save it as PNG or JPEG"},
                         {"drawing.svg", "SVG files are not read: save it as PNG or JPEG"},
                         {"magick.jpg", unknown},
                         {"vips.v", unknown},
                         {"portable.ppm", unknown}}));
}

TEST(BadImages, ADecompressionBombIsRefusedByItsHeader) {
  ImageFolder images;
  images.add("ok.png", plain_png(8, 1));
  images.add("bomb.png", HandmadePng(60000, 60000, 8, 2).rows({"x"}).finish());
  images.add("interlaced bomb.png", HandmadePng(60000, 60000, 8, 2, true).rows({"x"}).finish());
  const auto begin = std::chrono::steady_clock::now();
  const Decoded out = images.decoded();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(out.bad.at("bomb.png"), "60000 x 60000 pixels, more than the limit of 100000000");
  EXPECT_EQ(out.bad.size(), 2u);
}

TEST(BadImages, LimitsHoldFromTheirFirstExcess) {
  ImageFolder images;
  const std::string small = plain_png(8, 1), large = plain_png(9, 1);
  images.add("small.png", small).add("large.png", large);
  EXPECT_EQ(images.decoded({.max_pixels = 81}).data.size(), 2);
  EXPECT_EQ(images.decoded({.max_pixels = 80}).bad.at("large.png"),
            "9 x 9 pixels, more than the limit of 80");
  EXPECT_EQ(images.decoded({.max_file_bytes = large.size()}).data.size(), 2);
  EXPECT_EQ(images.decoded({.max_file_bytes = large.size() - 1}).bad.at("large.png"),
            "larger than the limit of " + std::to_string(large.size() - 1) + " bytes");
}

TEST(BadImages, PixelsThatAreNoColoursAreRefused) {
  ImageFolder images;
  images.add("ok.png", plain_png(8, 1));
  images::VipsImagePtr floats;
  {
    VipsImage* image = nullptr;
    ASSERT_EQ(vips_black(&image, 16, 16, nullptr), 0);
    const images::VipsImagePtr black(image);
    ASSERT_EQ(vips_cast_float(black.get(), &image, nullptr), 0);
    floats.reset(image);
    ASSERT_EQ(vips_black(&image, 16, 16, "bands", 7, nullptr), 0);
    const images::VipsImagePtr seven(image);
    ASSERT_EQ(vips_tiffsave(seven.get(), (images / "seven.tif").c_str(), nullptr), 0);
  }
  ASSERT_EQ(vips_tiffsave(floats.get(), (images / "float.tif").c_str(), nullptr), 0);
  const Decoded out = images.decoded();
  EXPECT_EQ(out.bad.at("float.tif"), "pixels of type float: save it with 8 or 16 bits");
  EXPECT_EQ(out.bad.at("seven.tif"), "7 values a pixel: neither grey nor colours");
}

TEST(BadImages, FilesThatVanishOrChangeIntoSomethingElse) {
  ImageFolder images;
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) images.add(name, plain_png(8, 1));
  const ImageFiles files = images.files();
  fs::remove(images / "b.png");
  fs::remove(images / "c.png");
  ASSERT_EQ(mkfifo((images / "c.png").c_str(), 0600), 0);
  fs::remove(images / "d.png");
  fs::create_directory(images / "d.png");
  const Decoded out = testing::decode(files, {}, images.pack());
  EXPECT_EQ(out.data.paths, std::vector<std::string>{"a.png"});
  EXPECT_EQ(out.bad, (std::map<std::string, std::string>{
                         {"b.png", "vanished"}, {"c.png", "is a FIFO"}, {"d.png", "is a folder"}}));
}

TEST(BadImages, UnreadableFilesAreBad) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ImageFolder images;
  images.add("ok.png", plain_png(8, 1)).add("locked.png", plain_png(8, 1));
  fs::permissions(images / "locked.png", fs::perms::none);
  EXPECT_EQ(images.decoded().bad.at("locked.png"), "permission denied");
}

TEST(BadImages, WhereNoneIsLeftTheFirstCausesAreToldAndNoPackStays) {
  ImageFolder images;
  images.add("a\n.txt", "x").add("b.png", "").add("c.png", plain_png(8, 1).substr(0, 70));
  const std::string message = user_error_of([&] { images.decoded(); });
  EXPECT_CONTAINS(message, "none of the 3 files in the source could be read as an image");
  EXPECT_CONTAINS(message, "a\\x0a.txt: not an image of a known kind");
  EXPECT_CONTAINS(message, "b.png: empty file");
  EXPECT_CONTAINS(message, "c.png: truncated: ");
  EXPECT_FALSE(fs::exists(images.pack()));
}

TEST(BadImages, AnEmptyFolderAndImpossibleOptionsAreRefused) {
  ImageFolder images;
  EXPECT_CONTAINS(user_error_of([&] { images.decoded(); }), "the source holds no files");
  images.add("a.png", plain_png(8, 1));
  EXPECT_CONTAINS(user_error_of([&] { images.decoded({.channels = 2}); }), "channels = 2");
  EXPECT_CONTAINS(user_error_of([&] { images.decoded({.image_size = -1}); }), "image size = -1");
}

TEST(BadImages, WhatTheFolderWalkRefusedIsInThePackToo) {
  ImageFolder images;
  images.add("a.png", plain_png(8, 1)).add("z.png", "text");
  ASSERT_EQ(mkfifo((images / "pipe").c_str(), 0600), 0);
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.bad_files.size(), 2u);
  EXPECT_EQ(out.data.bad_files[0].path, "pipe");
  EXPECT_EQ(out.data.bad_files[0].cause, "is a FIFO");
  EXPECT_EQ(out.data.bad_files[1].path, "z.png");
}

ImageFiles unpack_odd(const char* name, const fs::path& scratch) {
  Progress progress;
  return unpack_archive(testing::shared_data() / "odd-images" / name, scratch, {}, progress,
                        CancelToken());
}

TEST(OddImages, PngSuiteDecodesAllGoodFilesAndNoCorruptOne) {
  COTERIE_NEED_DATA("odd-images/pngsuite.tar.xz");
  const testing::TemporaryFolder folder;
  const Decoded out =
      testing::decode(unpack_odd("pngsuite.tar.xz", folder / "scratch"), {}, folder / "pack");
  EXPECT_EQ(out.data.size(), 237);
  for (const auto& path : out.data.paths) EXPECT_FALSE(path.starts_with("corrupt/")) << path;
  const std::string unknown = "not an image of a known kind";
  const std::map<std::string, std::string> expected = {
      {"PngSuite.LICENSE", unknown},
      {"ref_results.csv", unknown},
      {"corrupt/xc1n0g08.png", "damaged: Invalid color type in IHDR"},
      {"corrupt/xc9n2c08.png", "damaged: Invalid color type in IHDR"},
      {"corrupt/xcrn0g04.png", unknown},
      {"corrupt/xcsn0g01.png", "damaged: IDAT: CRC error"},
      {"corrupt/xd0n2c08.png", "damaged: Invalid bit depth in IHDR"},
      {"corrupt/xd3n2c08.png", "damaged: Invalid bit depth in IHDR"},
      {"corrupt/xd9n2c08.png", "damaged: Invalid bit depth in IHDR"},
      {"corrupt/xdtn0g01.png", "damaged: IEND: out of place"},
      {"corrupt/xhdn0g08.png", "damaged: IHDR: CRC error"},
      {"corrupt/xlfn0g04.png", unknown},
      {"corrupt/xs1n0g01.png", unknown},
      {"corrupt/xs2n0g01.png", unknown},
      {"corrupt/xs4n0g01.png", unknown},
      {"corrupt/xs7n0g01.png", unknown}};
  std::size_t phone = 0;
  for (const auto& [path, cause] : out.bad) {
    if (path.starts_with("iphone/")) {
      ++phone;
      EXPECT_EQ(cause, "damaged: CgBI: unhandled critical chunk");
    } else {
      EXPECT_EQ(expected.contains(path) ? expected.at(path) : "good", cause) << path;
    }
  }
  EXPECT_EQ(phone, 7u);
  EXPECT_EQ(out.bad.size(), expected.size() + phone);
}

TEST(OddImages, PhotosOfEveryOrientationLookAlike) {
  COTERIE_NEED_DATA("odd-images/exif-orientation.tar.xz");
  const testing::TemporaryFolder folder;
  const Decoded out = testing::decode(unpack_odd("exif-orientation.tar.xz", folder / "scratch"), {},
                                      folder / "pack");
  ASSERT_EQ(out.data.size(), 18);
  for (int row = 0; row < 18; ++row) {
    const std::vector<int> first = out.pixels(row / 9 * 9), other = out.pixels(row);
    double difference = 0;
    for (std::size_t i = 0; i < first.size(); ++i) difference += std::abs(first[i] - other[i]);
    // Each has its number written into it, so they are not equal.
    EXPECT_LT(difference / static_cast<double>(first.size()), 3) << out.data.paths[row];
  }
}

}  // namespace
}  // namespace coterie
