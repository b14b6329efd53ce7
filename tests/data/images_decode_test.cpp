#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "coterie/core/parallel.h"
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
using testing::vips_image;
using testing::write_bytes;

/// `count` values 0, step, 2 step, ...
std::vector<int> steps(int count, int step) {
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(i * step);
  return out;
}

TEST(DecodeImages, GreyPngComesOutAsItIs) {
  ImageFolder images;
  std::vector<std::string> rows(8);
  for (int i = 0; i < 64; ++i) rows[i / 8] += static_cast<char>(i * 4);
  const Decoded out = images.add("a.png", HandmadePng(8, 8, 8, 0).rows(rows).finish()).decoded();
  EXPECT_EQ(out.data.shape, (ImageShape{1, 8, 8}));
  EXPECT_EQ(out.pixels(0), steps(64, 4));
  EXPECT_EQ(out.data.paths, std::vector<std::string>{"a.png"});
  EXPECT_EQ(out.data.source, "the source");
}

TEST(DecodeImages, SixteenBitGreyKeepsItsWholeRange) {
  ImageFolder images;
  std::vector<std::string> rows(8);
  for (int i = 0; i < 64; ++i) {  // v * 257 is v on the 16-bit scale.
    rows[i / 8] += static_cast<char>(i * 4);
    rows[i / 8] += static_cast<char>(i * 4);
  }
  const Decoded out = images.add("a.png", HandmadePng(8, 8, 16, 0).rows(rows).finish()).decoded();
  EXPECT_EQ(out.data.shape, (ImageShape{1, 8, 8}));
  EXPECT_EQ(out.pixels(0), steps(64, 4));
}

TEST(DecodeImages, SixteenBitColourIsSplitIntoPlanes) {
  ImageFolder images;
  std::vector<std::string> rows(8);
  for (int i = 0; i < 64; ++i)
    for (const int value : {i, 255 - i, 2 * i})
      rows[i / 8] += std::string(2, static_cast<char>(value));
  const Decoded out = images.add("a.png", HandmadePng(8, 8, 16, 2).rows(rows).finish()).decoded();
  ASSERT_EQ(out.data.shape, (ImageShape{3, 8, 8}));
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(out.at(0, 0, i / 8, i % 8), i);
    EXPECT_EQ(out.at(0, 1, i / 8, i % 8), 255 - i);
    EXPECT_EQ(out.at(0, 2, i / 8, i % 8), 2 * i);
  }
}

TEST(DecodeImages, SixteenBitSurvivesResizing) {
  ImageFolder images;
  const std::string row(2 * 200, static_cast<char>(0x80));
  images.add("a.png",
             HandmadePng(200, 150, 16, 0).rows(std::vector<std::string>(150, row)).finish());
  const Decoded out = images.decoded({.image_size = 32});
  for (const int value : out.pixels(0)) EXPECT_EQ(value, 0x80);
}

TEST(DecodeImages, OneBitIsBlackAndWhite) {
  ImageFolder images;
  const std::vector<std::string> rows(8, "\xf0");
  const Decoded out = images.add("a.png", HandmadePng(8, 8, 1, 0).rows(rows).finish()).decoded();
  EXPECT_EQ(out.data.shape.channels, 1);
  for (int x = 0; x < 8; ++x) EXPECT_EQ(out.at(0, 0, 3, x), x < 4 ? 255 : 0);
}

TEST(DecodeImages, PaletteGivesItsColoursAndTransparentOnesWhite) {
  ImageFolder images;
  std::string palette = "\xff";
  palette += std::string("\0\0\0\xff\0\x0a\x14\x1e", 8);
  std::string row("\0\1\2\0\1\2\0\1", 8);
  images.add("a.png", HandmadePng(8, 8, 8, 3)
                          .chunk("PLTE", palette)
                          .chunk("tRNS", std::string("\xff\x00", 2))
                          .rows(std::vector<std::string>(8, row))
                          .finish());
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.shape.channels, 3);
  const std::array<std::array<int, 3>, 3> expected = {{{255, 0, 0}, {255, 255, 255}, {10, 20, 30}}};
  for (int x = 0; x < 3; ++x)
    for (int c = 0; c < 3; ++c) EXPECT_EQ(out.at(0, c, 5, x), expected[x][c]) << x << c;
}

TEST(DecodeImages, TransparencyIsOverWhite) {
  ImageFolder images;
  std::string colour, grey, deep;
  for (int x = 0; x < 8; ++x) {
    const char alpha = static_cast<char>(x == 0 ? 0 : x == 1 ? 51 : 255);
    colour += std::string("\x64\x00\xc8", 3) + alpha;
    grey += std::string("\x64") + alpha;
    deep += std::string("\x64\x64") + alpha + alpha;
  }
  const auto eight = [](const std::string& row) { return std::vector<std::string>(8, row); };
  images.add("a.png", HandmadePng(8, 8, 8, 6).rows(eight(colour)).finish())
      .add("b.png", HandmadePng(8, 8, 8, 4).rows(eight(grey)).finish())
      .add("c.png", HandmadePng(8, 8, 16, 4).rows(eight(deep)).finish());
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.size(), 3);
  for (int row = 0; row < 3; ++row) {
    EXPECT_EQ(out.at(row, 0, 4, 0), 255);
    EXPECT_NEAR(out.at(row, 0, 4, 1), 0.2 * 100 + 0.8 * 255, 1);
    EXPECT_EQ(out.at(row, 0, 4, 2), 100);
  }
  EXPECT_NEAR(out.at(0, 1, 4, 1), 0.8 * 255, 1);
  EXPECT_NEAR(out.at(0, 2, 4, 1), 0.2 * 200 + 0.8 * 255, 1);
}

TEST(DecodeImages, TransparentColoursDoNotBleedWhenResized) {
  ImageFolder images;
  std::string row;
  for (int x = 0; x < 64; ++x)
    row += x < 32 ? std::string("\xff\0\0\0", 4) : std::string("\0\0\xff\xff", 4);
  images.add("a.png", HandmadePng(64, 64, 8, 6).rows(std::vector<std::string>(64, row)).finish());
  const Decoded out = images.decoded({.image_size = 16});
  // Hidden red would show as pixels with more red than green.
  for (int x = 0; x < 16; ++x) EXPECT_LE(out.at(0, 0, 8, x), out.at(0, 1, 8, x) + 1) << x;
  EXPECT_EQ(out.at(0, 1, 8, 2), 255);
}

TEST(DecodeImages, ColoursBecomeLuminanceInAPackOfOneChannel) {
  ImageFolder images;
  const std::string row = [] {
    std::string out;
    for (int x = 0; x < 8; ++x) out += std::string("\xff\0\0", 3);
    return out;
  }();
  images.add("a.png", HandmadePng(8, 8, 8, 2).rows(std::vector<std::string>(8, row)).finish());
  const Decoded out = images.decoded({.channels = 1});
  EXPECT_EQ(out.data.shape.channels, 1);
  // libvips weighs red with 0.2 in linear light: 255 (1.055 * 0.2^(1 / 2.4) - 0.055) = 123.5.
  EXPECT_NEAR(out.at(0, 0, 4, 4), 123.5, 1);
}

TEST(DecodeImages, GreyIsRepeatedInAPackOfThreeChannels) {
  ImageFolder images;
  const Decoded out = images.add("a.png", plain_png(8, 77)).decoded({.channels = 3});
  EXPECT_EQ(out.pixels(0), std::vector<int>(3 * 64, 77));
}

TEST(DecodeImages, CmykJpegHasPaperWhiteInkBlackAndRed) {
  ImageFolder images;
  const std::map<std::string, std::array<std::uint8_t, 4>> inks = {
      {"black.jpg", {0, 0, 0, 255}}, {"red.jpg", {0, 255, 255, 0}}, {"white.jpg", {0, 0, 0, 0}}};
  for (const auto& [name, ink] : inks) {
    std::vector<std::uint8_t> values;
    for (int i = 0; i < 256; ++i) values.insert(values.end(), ink.begin(), ink.end());
    const auto image = vips_image(values, 16, 16, 4);
    image->Type = VIPS_INTERPRETATION_CMYK;
    ASSERT_EQ(vips_jpegsave(image.get(), (images / name).c_str(), "Q", 95, nullptr), 0);
  }
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.shape, (ImageShape{3, 16, 16}));
  for (int c = 0; c < 3; ++c) {
    EXPECT_LT(out.at(0, c, 8, 8), 70);
    EXPECT_GT(out.at(2, c, 8, 8), 250);
  }
  EXPECT_GT(out.at(1, 0, 8, 8), 200);
  EXPECT_LT(out.at(1, 1, 8, 8), 80);
  EXPECT_LT(out.at(1, 2, 8, 8), 80);
}

TEST(DecodeImages, EmbeddedProfileIsApplied) {
  ImageFolder images;
  std::vector<std::uint8_t> red;
  for (int i = 0; i < 256; ++i) red.insert(red.end(), {255, 0, 0});
  const auto image = vips_image(red, 16, 16, 3);
  // sRGB with the red and the green primary exchanged: what is stored as red is shown as green.
  VipsBlob* blob = nullptr;
  ASSERT_EQ(vips_profile_load("srgb", &blob, nullptr), 0);
  std::size_t size = 0;
  const char* data = static_cast<const char*>(vips_blob_get(blob, &size));
  std::string profile(data, size);
  vips_area_unref(VIPS_AREA(blob));
  const std::size_t red_tag = profile.find("rXYZ"), green_tag = profile.find("gXYZ");
  ASSERT_NE(red_tag, std::string::npos);
  ASSERT_NE(green_tag, std::string::npos);
  profile[red_tag] = 'g';
  profile[green_tag] = 'r';
  vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  ASSERT_EQ(vips_pngsave(image.get(), (images / "a.png").c_str(), nullptr), 0);
  profile.assign(200, 'x');
  vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  ASSERT_EQ(vips_tiffsave(image.get(), (images / "b.tif").c_str(), nullptr), 0);
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.size(), 2);
  EXPECT_LE(out.at(0, 0, 8, 8), 3);
  EXPECT_GE(out.at(0, 1, 8, 8), 252);
  EXPECT_LE(out.at(0, 2, 8, 8), 3);
  // A profile that is none counts as none.
  EXPECT_EQ(out.at(1, 0, 8, 8), 255);
  EXPECT_EQ(out.at(1, 1, 8, 8), 0);
}

TEST(DecodeImages, EveryExifOrientationIsTurnedUprightOnce) {
  // Upright: 10 80 over 150 220. What is stored for orientation o follows from the standard's
  // "row 0 is the ... side, column 0 is the ... side".
  const std::array<std::array<std::uint8_t, 4>, 8> stored = {{{10, 80, 150, 220},
                                                              {80, 10, 220, 150},
                                                              {220, 150, 80, 10},
                                                              {150, 220, 10, 80},
                                                              {10, 150, 80, 220},
                                                              {80, 220, 10, 150},
                                                              {220, 80, 150, 10},
                                                              {150, 10, 220, 80}}};
  ImageFolder images;
  for (int o = 1; o <= 8; ++o) {
    std::vector<std::uint8_t> values;
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) values.push_back(stored[o - 1][y / 32 * 2 + x / 32]);
    const auto image = vips_image(values, 64, 64, 1);
    vips_image_set_int(image.get(), VIPS_META_ORIENTATION, o);
    ASSERT_EQ(vips_jpegsave(image.get(), (images / (std::to_string(o) + ".jpg")).c_str(), "Q", 95,
                            nullptr),
              0);
  }
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.size(), 8);
  for (int row = 0; row < 8; ++row) {
    EXPECT_NEAR(out.at(row, 0, 16, 16), 10, 4) << row;
    EXPECT_NEAR(out.at(row, 0, 16, 48), 80, 4) << row;
    EXPECT_NEAR(out.at(row, 0, 48, 16), 150, 4) << row;
    EXPECT_NEAR(out.at(row, 0, 48, 48), 220, 4) << row;
  }
}

TEST(DecodeImages, TheCentreOfTheUprightImageIsCutOut) {
  ImageFolder images;
  std::vector<std::uint8_t> wide;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 11; ++x) wide.push_back(static_cast<std::uint8_t>(10 * x));
  for (const int o : {1, 2, 6, 8}) {
    const auto image = vips_image(wide, 11, 8, 1);
    vips_image_set_int(image.get(), VIPS_META_ORIENTATION, o);
    ASSERT_EQ(vips_tiffsave(image.get(), (images / (std::to_string(o) + ".tif")).c_str(), nullptr),
              0);
  }
  const Decoded out = images.decoded({.image_size = 8});
  ASSERT_EQ(out.data.size(), 4);
  // One column or row of eleven is left out before the square and two are after it.
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(out.at(0, 0, 4, i), 10 * (i + 1));         // as stored
    EXPECT_EQ(out.at(1, 0, 4, i), 10 * (10 - (i + 1)));  // mirrored
    EXPECT_EQ(out.at(2, 0, i, 4), 10 * (i + 1));         // a quarter turn clockwise
    EXPECT_EQ(out.at(3, 0, i, 4), 10 * (10 - (i + 1)));  // a quarter turn the other way
  }
}

TEST(DecodeImages, TheShortSideIsResizedInProportion) {
  ImageFolder images;
  std::vector<std::uint8_t> values;
  for (int y = 0; y < 400; ++y)
    for (int x = 0; x < 800; ++x)
      values.push_back(x >= 250 && x < 550 && y >= 50 && y < 350 ? 200 : 20);
  const auto image = vips_image(values, 800, 400, 1);
  for (const char* name : {"a.jpg", "b.png", "c.webp", "d.tif"})
    ASSERT_EQ(vips_image_write_to_file(image.get(), (images / name).c_str(), nullptr), 0);
  const Decoded out = images.decoded({.image_size = 16, .channels = 1});
  ASSERT_EQ(out.data.size(), 4);
  // 400 x 400 are kept: x from 200 to 600. The square of 300 is at 2..14 of 16 in both directions.
  for (int row = 0; row < 4; ++row)
    for (const int y : {0, 4, 8, 11, 15})
      for (const int x : {0, 4, 8, 11, 15}) {
        const bool inside = y > 0 && y < 15 && x > 0 && x < 15;
        EXPECT_NEAR(out.at(row, 0, y, x), inside ? 200 : 20, 12) << row << ' ' << y << ' ' << x;
      }
}

TEST(DecodeImages, OwnSizeIsKeptWhereAllAreSquareAndEqual) {
  const auto side_of = [](const std::vector<int>& sides) {
    ImageFolder images;
    for (const int side : sides)
      images.add(std::to_string(images.files().files.size()), plain_png(side, 9));
    return images.decoded().data.shape.width;
  };
  EXPECT_EQ(side_of({28, 28}), 28);
  EXPECT_EQ(side_of({8}), 8);
  EXPECT_EQ(side_of({224}), 224);
  EXPECT_EQ(side_of({7}), 96);
  EXPECT_EQ(side_of({225}), 96);
  EXPECT_EQ(side_of({28, 29}), 96);
}

TEST(DecodeImages, OneColourImageMakesThePackColoured) {
  ImageFolder images;
  images.add("a.png", plain_png(8, 5));
  EXPECT_EQ(images.decoded().data.shape.channels, 1);
  images.add(
      "b.png",
      HandmadePng(8, 8, 8, 2).rows(std::vector<std::string>(8, std::string(24, 'a'))).finish());
  EXPECT_EQ(images.decoded().data.shape.channels, 3);
}

TEST(DecodeImages, LongStripsAndSinglePixelsAreNoTrouble) {
  ImageFolder images;
  images.add("dot.png", plain_png(1, 50));
  images.add("tall.png",
             HandmadePng(1, 3000, 8, 0).rows(std::vector<std::string>(3000, "\x3c")).finish());
  images.add("wide.png", HandmadePng(9000, 1, 8, 0).rows({std::string(9000, '\x46')}).finish());
  const Decoded out = images.decoded({.image_size = 96});
  ASSERT_EQ(out.data.size(), 3) << out.bad.begin()->second;
  for (int row = 0; row < 3; ++row)
    EXPECT_EQ(out.pixels(row), std::vector<int>(96 * 96, 50 + 10 * row));
}

TEST(DecodeImages, OfAnimatedFilesTheFirstFrameIsTaken) {
  ImageFolder images;
  images.add("a.gif", animated_gif(16, {100, 20}));
  std::vector<std::uint8_t> frames;
  for (int i = 0; i < 2 * 256; ++i) {
    const std::uint8_t value = i < 256 ? 200 : 30;
    frames.insert(frames.end(), {value, value, static_cast<std::uint8_t>(value / 2)});
  }
  const auto image = vips_image(frames, 16, 32, 3);
  vips_image_set_int(image.get(), VIPS_META_PAGE_HEIGHT, 16);
  ASSERT_EQ(vips_webpsave(image.get(), (images / "b.webp").c_str(), "lossless", TRUE, nullptr), 0);
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.size(), 2) << out.bad.begin()->second;
  ASSERT_EQ(out.data.shape, (ImageShape{3, 16, 16}));
  EXPECT_EQ(out.at(0, 0, 8, 8), 100);
  EXPECT_EQ(out.at(0, 1, 8, 8), 200);
  EXPECT_EQ(out.at(0, 2, 8, 8), 27);
  EXPECT_EQ(out.at(1, 0, 8, 8), 200);
  EXPECT_EQ(out.at(1, 2, 8, 8), 100);
}

TEST(DecodeImages, RowsStayWithTheirFilesAmongBadOnesOnAnyNumberOfThreads) {
  ImageFolder images;
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(1000 + i) + ".png";
    const std::string whole = plain_png(8 + i % 3, i);
    if (i % 4 == 0)
      images.add(name, "text");
    else if (i % 4 == 1)
      images.add(name, whole.substr(0, whole.size() - 40));
    else
      images.add(name, whole);
  }
  const int threads_before = thread_count();
  std::string first;
  for (const int threads : {1, 5}) {
    set_thread_count(threads);
    const Decoded out = images.decoded({.image_size = 8});
    ASSERT_EQ(out.data.size(), 50);
    EXPECT_EQ(out.bad.size(), 50u);
    for (int row = 0; row < 50; ++row)
      EXPECT_EQ(out.at(row, 0, 4, 4), std::stoi(out.data.paths[row]) - 1000);
    EXPECT_TRUE(std::is_sorted(out.data.paths.begin(), out.data.paths.end()));
    if (first.empty()) first = out.data.fingerprint;
    EXPECT_EQ(out.data.fingerprint, first);
  }
  set_thread_count(threads_before);
}

TEST(DecodeImages, NamesOfAnyBytesKeepTheirImage) {
  ImageFolder images;
  const std::vector<std::string> names = {"a\nb.png", "caf\xe9.png", "comma,quote\".png",
                                          "x.png[page=2]"};
  for (std::size_t i = 0; i < names.size(); ++i)
    images.add(names[i], plain_png(8, 10 * static_cast<int>(i)));
  const Decoded out = images.decoded();
  EXPECT_EQ(out.data.paths, names);
  for (int row = 0; row < 4; ++row) EXPECT_EQ(out.at(row, 0, 0, 0), 10 * row);
}

TEST(DecodeImages, CancelStopsAndLeavesNoPack) {
  ImageFolder images;
  images.add("a.png", plain_png(8, 1));
  const ImageFiles files = images.files();
  Progress progress;
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(decode_image_files(files, {}, "s", images.pack(), progress, cancel), Interrupted);
  EXPECT_FALSE(fs::exists(images.pack()));
}

TEST(DecodeImages, ProgressReachesTheTotalOfEachPhase) {
  struct Watch : Progress {
    void begin(std::string_view phase, std::int64_t total) override {
      current = &phases[std::string(phase)], current->first = total;
    }
    void update(std::int64_t done, std::string_view) override {
      std::lock_guard lock(mutex);
      current->second = std::max(current->second, done);
    }
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> phases;
    std::pair<std::int64_t, std::int64_t>* current = nullptr;
    std::mutex mutex;
  } watch;
  ImageFolder images;
  for (int i = 0; i < 30; ++i) images.add(std::to_string(i), i == 3 ? "text" : plain_png(8, i));
  decode_image_files(images.files(), {}, "s", images.pack(), watch, CancelToken());
  using Phase = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(watch.phases["reading image headers"], (Phase{30, 30}));
  EXPECT_EQ(watch.phases["decoding images"], (Phase{29, 29}));
}

/// 16 x 16 pixels of grey 90, written by libheif.
constexpr std::string_view kHeic =
    "0000001c6674797068656963000000006d696631686569636d696166000001e46d6574610000000000000021"
    "68646c72000000000000000070696374000000000000000000000000000000000e7069746d00000000000200"
    "0000106964617400000000001000100000004c696c6f63010000004440000300010000000000000208000100"
    "0000000000002b00020001000000000000000100000000000000080003000000000000023300010000000000"
    "0000be0000004d69696e6600000000000300000015696e66650200000100010000687663310000000015696e"
    "66650200000000020000677269640000000015696e666502000001000300004578696600000000d869707270"
    "000000b66970636f00000076687663430103700000000000000000001ef000fcfdf8f800000f032000010018"
    "40010c01ffff03700000030090000003000003001eba0240210001002a420101037000000300900000030000"
    "03001ea020810596eaae9ae6e04040c0800000030080000003008422000100064401c173c189000000146973"
    "7065000000000000004000000040000000146973706500000000000000100000001000000010706978690000"
    "0000030808080000001a69706d61000000000000000200010281020002020384000000286972656600000000"
    "0000000e64696d670002000100010000000e63647363000300010002000000f16d646174000000272801af13"
    "213196f84e50a7fff7485cd0c954c5a0b94fa573dd0a5093727eb8fef28793c56282e0000000064578696600"
    "0049492a000800000006001201030001000000010000001a01050001000000560000001b010500010000005e"
    "0000002801030001000000020000001302030001000000010000006987040001000000660000000000000038"
    "630000e803000038630000e8030000060000900700040000003032313001910700040000000102030000a007"
    "00040000003031303001a0030001000000ffff000002a00400010000001000000003a0040001000000100000"
    "0000000000";

TEST(DecodeImages, HeicIsReadWhereLibvipsHasIt) {
  images::start_vips();
  if (vips_type_find("VipsOperation", "heifload_source") == 0)
    GTEST_SKIP() << "libvips without HEIF";
  std::string bytes;
  for (std::size_t i = 0; i < kHeic.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(kHeic.substr(i, 2)), nullptr, 16));
  ImageFolder images;
  images.add("a.heic", bytes).add("cut.heic", bytes.substr(0, 500));
  const Decoded out = images.decoded();
  ASSERT_EQ(out.data.paths, std::vector<std::string>{"a.heic"});
  ASSERT_EQ(out.data.shape, (ImageShape{3, 16, 16}));
  for (const int value : out.pixels(0)) EXPECT_NEAR(value, 90, 2);
  EXPECT_TRUE(out.bad.at("cut.heic").starts_with("truncated: ")) << out.bad.at("cut.heic");
}

}  // namespace
}  // namespace coterie
