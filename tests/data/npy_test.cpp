#include "coterie/data/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "made_files.h"

namespace coterie {
namespace {

using namespace testing;

class Npy : public Loading {
 protected:
  std::vector<float> values(const std::string& bytes) {
    const Dataset dataset = load(made("x.npy", bytes));
    return {dataset.features.data, dataset.features.data + dataset.features.size()};
  }
  std::string error_with(const std::string& bytes) { return error_of(made("x.npy", bytes)); }
  std::vector<std::int64_t> labels(const std::string& bytes) {
    return NpyFile(made("y.npy", bytes)).labels();
  }
  std::string label_error(const std::string& bytes) {
    return user_error_of([&] { labels(bytes); });
  }
};

const std::vector<float> kOneToSix = {1, 2, 3, 4, 5, 6};

TEST_F(Npy, ReadsEveryElementType) {
  EXPECT_EQ(values(npy("|u1", "(2, 3)", raw<std::uint8_t>({1, 2, 3, 4, 5, 250}))),
            (std::vector<float>{1, 2, 3, 4, 5, 250}));
  EXPECT_EQ(values(npy("|i1", "(1, 2)", raw<std::int8_t>({-1, 2}))), (std::vector<float>{-1, 2}));
  EXPECT_EQ(values(npy("|b1", "(1, 2)", raw<std::uint8_t>({1, 0}))), (std::vector<float>{1, 0}));
  EXPECT_EQ(values(npy("<i2", "(2, 3)", raw<std::int16_t>({1, 2, 3, 4, 5, 6}))), kOneToSix);
  EXPECT_EQ(values(npy("<u2", "(1, 1)", raw<std::uint16_t>({65535}))), std::vector<float>{65535});
  EXPECT_EQ(values(npy("<i4", "(1, 1)", raw<std::int32_t>({-70000}))), std::vector<float>{-70000});
  EXPECT_EQ(values(npy("<u4", "(1, 1)", raw<std::uint32_t>({4294967295u}))),
            std::vector<float>{4294967296.0f});
  EXPECT_EQ(values(npy("<i8", "(2, 3)", raw<std::int64_t>({1, 2, 3, 4, 5, 6}))), kOneToSix);
  EXPECT_EQ(values(npy("<u8", "(1, 1)", raw<std::uint64_t>({1ULL << 63}))),
            std::vector<float>{9223372036854775808.0f});
  EXPECT_EQ(values(npy("<f4", "(2, 3)", raw<float>({1, 2, 3, 4, 5, 6}))), kOneToSix);
  EXPECT_EQ(values(npy("<f8", "(1, 2)", raw<double>({0.1, -2}))), (std::vector<float>{0.1f, -2}));
}

TEST_F(Npy, ReadsHalfPrecision) {
  // 0x3c00 = 1, 0xc000 = -2, 0x3555 = 1365/4096, 0x0001 = 2^-24, 0x7bff = 65504.
  EXPECT_EQ(
      values(npy("<f2", "(1, 5)", raw<std::uint16_t>({0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff}))),
      (std::vector<float>{1, -2, 1365.0f / 4096, std::ldexp(1.0f, -24), 65504}));
  EXPECT_CONTAINS(error_with(npy("<f2", "(1, 1)", raw<std::uint16_t>({0x7c00}))), "inf");
  EXPECT_CONTAINS(error_with(npy("<f2", "(1, 1)", raw<std::uint16_t>({0x7e00}))), "nan");
}

TEST_F(Npy, ConvertsBigEndian) {
  EXPECT_EQ(values(npy(">i4", "(1, 2)", big_endian(1) + big_endian(258))),
            (std::vector<float>{1, 258}));
  EXPECT_EQ(values(npy(">f4", "(1, 1)", big_endian(0x40490fdb))), std::vector<float>{3.14159274f});
}

TEST_F(Npy, FortranOrderIsTransposed) {
  const std::string columns = raw<float>({1, 4, 2, 5, 3, 6});
  EXPECT_EQ(values(npy("<f4", "(2, 3)", columns, true)), kOneToSix);
}

TEST_F(Npy, LargeFortranArraysAreTransposedInBlocks) {
  constexpr int kRows = 200, kCols = 7;
  std::string data;
  for (int j = 0; j < kCols; ++j)
    for (int i = 0; i < kRows; ++i) data += raw<double>({i * 10.0 + j});
  const auto read = values(npy("<f8", "(200, 7)", data, true));
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kCols; ++j) ASSERT_EQ(read[i * kCols + j], i * 10.0f + j);
}

TEST_F(Npy, VersionsTwoAndThreeAndOtherSpellingsAreRead) {
  const std::string data = raw<float>({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(values(npy("<f4", "(2, 3)", data, false, 2)), kOneToSix);
  EXPECT_EQ(values(npy("<f4", "(2, 3)", data, false, 3)), kOneToSix);
  EXPECT_EQ(values(npy_with_header("{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"<f4\"}",
                                   data)),
            kOneToSix);
}

TEST_F(Npy, RowOrderFloatsAreMappedNotCopied) {
  const NpyFile file(made("x.npy", npy("<f4", "(2, 3)", raw<float>({1, 2, 3, 4, 5, 6}))));
  const FeatureRows first = file.features(), second = file.features();
  EXPECT_EQ(first.values.data, second.values.data);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first.values.data) % 4096, 128u);  // after the header
}

TEST_F(Npy, FeaturesHaveNamesSourceAndFingerprint) {
  const auto path = made("x.npy", npy("<f4", "(2, 1)", raw<float>({1, 2})));
  const Dataset dataset = load(path);
  EXPECT_EQ(dataset.paths, (Names{"x.npy#0", "x.npy#1"}));
  EXPECT_EQ(dataset.source, path.native());
  EXPECT_FALSE(dataset.has_images());
  EXPECT_TRUE(dataset.pack.empty());
  // sha256 of "features 2 1\n" and the eight bytes of 1.0f and 2.0f, by sha256sum.
  EXPECT_EQ(dataset.fingerprint,
            "7dbc4951ae18a4d0a8d2a00e6a209940b1a560a71947a3ac5f46fcfec0c60cb0");
}

TEST_F(Npy, DamagedFilesHaveTheirOwnMessages) {
  const std::string data = raw<float>({1, 2, 3, 4, 5, 6});
  const std::string good = npy("<f4", "(2, 3)", data);
  EXPECT_CONTAINS(error_with(""), "does not begin with");
  EXPECT_CONTAINS(error_with("plain text"), "does not begin with");
  EXPECT_CONTAINS(error_with(good.substr(0, 8)), "cut off in its header");
  EXPECT_CONTAINS(error_with(good.substr(0, 40)), "cut off in its header");
  const auto cut = error_with(good.substr(0, good.size() - 5));
  EXPECT_CONTAINS(cut, "promises 24 bytes");
  EXPECT_CONTAINS(cut, "19 are there");
  EXPECT_CONTAINS(error_with(good + "abc"), "3 bytes after its data of 24 bytes");
  EXPECT_CONTAINS(error_with(npy("<f4", "(2, 3)", data, false, 9)), "version 9");
  EXPECT_CONTAINS(error_with(npy_with_header("{'descr': '<f4', 'shape': (2, 3), }", data)),
                  "header cannot be read");
  EXPECT_CONTAINS(error_with(npy_with_header("{'descr': '<f4', ", data)), "header cannot be read");
  EXPECT_CONTAINS(error_with(npy("<f4", "(2, -3)", data)), "header cannot be read");
}

TEST_F(Npy, ShapesThatOverflowAreRefused) {
  EXPECT_CONTAINS(error_with(npy("<f4", "(4294967296, 4294967296)", "")), "larger than any memory");
  EXPECT_CONTAINS(error_with(npy("<f4", "(99999999999999999999, 2)", "")),
                  "larger than any memory");
  // 2^62 x 4 bytes would wrap around to 0 and match an empty file.
  EXPECT_CONTAINS(error_with(npy("<f4", "(4611686018427387904, 4)", "")), "larger than any memory");
}

TEST_F(Npy, OtherElementTypesAreRefusedByName) {
  EXPECT_CONTAINS(error_with(npy("|O", "(1, 1)", "x")), "Python objects");
  EXPECT_CONTAINS(error_with(npy("<c8", "(1, 1)", "12345678")), "complex numbers");
  EXPECT_CONTAINS(error_with(npy("<U3", "(1, 1)", std::string(12, 'a'))), "texts");
  EXPECT_CONTAINS(error_with(npy("<f16", "(1, 1)", std::string(16, 'a'))), "'<f16'");
  EXPECT_CONTAINS(error_with(npy("", "(1, 1)", "")), "unknown type");
  EXPECT_CONTAINS(
      error_with(npy_with_header(
          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234")),
      "records");
}

TEST_F(Npy, EmptyAndMisshapenFeaturesAreRefused) {
  EXPECT_CONTAINS(error_with(npy("<f4", "(0, 3)", "")), "no row");
  EXPECT_CONTAINS(error_with(npy("<f4", "(3, 0)", "")), "no column");
  EXPECT_CONTAINS(error_with(npy("<f4", "()", raw<float>({1}))), "0 dimensions");
  EXPECT_CONTAINS(error_with(npy("<i8", "(1,)", raw<std::int64_t>({1}))), "as the labels");
  EXPECT_CONTAINS(error_with(npy("|u1", "(1, 1, 1, 1, 1)", "a")), "5 dimensions");
}

TEST_F(Npy, NonFiniteFeaturesAreNamedByRowAndColumn) {
  const auto error =
      error_with(npy("<f4", "(2, 3)", raw<float>({1, 2, 3, 4, std::nanf(""), HUGE_VALF})));
  EXPECT_CONTAINS(error, "row 1, column 1");
  EXPECT_CONTAINS(error, "nan");
  EXPECT_CONTAINS(error_with(npy("<f4", "(1, 2)", raw<float>({1, -HUGE_VALF}))),
                  "row 0, column 1 (both from 0) holds -inf");
  // Finite as double, but beyond a 32-bit number.
  EXPECT_CONTAINS(error_with(npy("<f8", "(1, 1)", raw<double>({1e300}))), "row 0, column 0");
}

TEST_F(Npy, TheFirstNonFiniteRowOfManyIsNamed) {
  std::string data;
  for (int i = 0; i < 300000; ++i)
    data += raw<float>({1, 1, i == 299999 || i == 170001 ? HUGE_VALF : 1, 1});
  EXPECT_CONTAINS(error_with(npy("<f4", "(300000, 4)", data)), "row 170001, column 2");
}

TEST_F(Npy, GreyBytesBecomeImages) {
  const Dataset dataset = load(made("x.npy", npy("|u1", "(2, 2, 3)", counting(12))));
  ASSERT_TRUE(dataset.has_images());
  EXPECT_EQ(dataset.shape, (ImageShape{1, 2, 3}));
  EXPECT_EQ(image(dataset, 1), (Bytes{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(dataset.paths, (Names{"x.npy#0", "x.npy#1"}));
  EXPECT_EQ(load(made("one.npy", npy("|u1", "(2, 2, 3, 1)", counting(12)))).shape,
            (ImageShape{1, 2, 3}));
}

TEST_F(Npy, ColoursSideBySideBecomePlanes) {
  // One image of 1 x 2: red 0, green 1, blue 2; red 3, green 4, blue 5.
  const Dataset dataset = load(made("x.npy", npy("|u1", "(1, 1, 2, 3)", counting(6))));
  EXPECT_EQ(dataset.shape, (ImageShape{3, 1, 2}));
  EXPECT_EQ(image(dataset, 0), (Bytes{0, 3, 1, 4, 2, 5}));
}

TEST_F(Npy, RealPixelsAreRoundedToBytes) {
  const Dataset dataset =
      load(made("x.npy", npy("<f4", "(1, 1, 5)", raw<float>({0, 1, 0.5f, 0.1f, 1.000001f}))));
  // 127.5 and 25.5 (a little above, as 0.1f is) round up.
  EXPECT_EQ(image(dataset, 0), (Bytes{0, 255, 128, 26, 255}));
  EXPECT_EQ(image(load(made("f.npy", npy("|b1", "(1, 1, 2)", std::string("\1\0", 2)))), 0),
            (Bytes{255, 0}));
}

TEST_F(Npy, RealPixelsOutsideTheUnitRangeAreRefused) {
  const auto error = error_with(npy("<f4", "(2, 1, 2)", raw<float>({0, 1, 0.5f, 254})));
  EXPECT_CONTAINS(error, "image 1 holds the value 254");
  EXPECT_CONTAINS(error, "astype('uint8')");
  EXPECT_CONTAINS(error_with(npy("<f8", "(1, 1, 1)", raw<double>({-0.25}))), "-0.25");
  EXPECT_CONTAINS(error_with(npy("<f4", "(1, 1, 1)", raw<float>({std::nanf("")}))), "nan");
  EXPECT_EQ(packs(), 0u);
}

TEST_F(Npy, ImagesOfOtherFormsAreRefusedWithARemedy) {
  const auto with_shape = [&](const std::string& shape, std::size_t bytes) {
    return error_with(npy("|u1", shape, counting(bytes)));
  };
  EXPECT_CONTAINS(with_shape("(2, 3, 4, 5)", 120), "transpose(0, 2, 3, 1)");
  EXPECT_CONTAINS(with_shape("(2, 1, 4, 5)", 40), "transpose(0, 2, 3, 1)");
  EXPECT_CONTAINS(with_shape("(2, 5, 5, 4)", 200), "x[..., :3]");
  EXPECT_CONTAINS(with_shape("(2, 5, 5, 2)", 100), "1 or 3");
  EXPECT_CONTAINS(with_shape("(0, 5, 5)", 0), "no pixel");
  EXPECT_CONTAINS(error_with(npy("<i4", "(1, 1, 1)", raw<std::int32_t>({1}))), "astype('uint8')");
  EXPECT_CONTAINS(error_with(npy("|i1", "(1, 1, 1)", "a")), "astype('uint8')");
  EXPECT_CONTAINS(error_with(npy("|u1", "(2, 2, 2)", counting(8), true)), "ascontiguousarray");
}

TEST_F(Npy, LabelsAreIntegersInARow) {
  using Values = std::vector<std::int64_t>;
  EXPECT_EQ(labels(npy("<i8", "(3,)", raw<std::int64_t>({5, -1, 5}))), (Values{5, -1, 5}));
  EXPECT_EQ(labels(npy("|u1", "(2, 1)", "\1\2")), (Values{1, 2}));
  EXPECT_EQ(labels(npy(">i2", "(1,)", std::string("\1\0", 2))), Values{256});
  EXPECT_CONTAINS(label_error(npy("<f4", "(1,)", raw<float>({1}))), "no integers");
  EXPECT_CONTAINS(label_error(npy("|u1", "(1, 2)", "ab")), "1 x 2");
}

TEST_F(Npy, CancelStopsTheReading) {
  const auto path = made("x.npy", npy("|u1", "(2, 2, 3)", counting(12)));
  cancel_.cancel();
  EXPECT_THROW(load(path), Interrupted);
  EXPECT_EQ(packs(), 0u);
}

}  // namespace
}  // namespace coterie
