#include "coterie/shallow/line_fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

namespace coterie {
namespace {

constexpr int kLanes = LineFft::kLanes;

float value(int j, int lane, bool imaginary) {
  return static_cast<float>(imaginary ? std::cos(0.7 * j * j - lane) : std::sin(1.3 * j + lane));
}

LineFft::Lines some_lines(int size) {
  LineFft::Lines lines(size);
  for (int j = 0; j < size; ++j)
    for (int lane = 0; lane < kLanes; ++lane) {
      lines.re(j, lane) = value(j, lane, false);
      lines.im(j, lane) = value(j, lane, true);
    }
  return lines;
}

TEST(LineFft, EqualsTheSumsOfItsDefinition) {
  for (const int size : {2, 4, 6, 8, 10, 12, 30, 64, 90, 100, 128}) {
    LineFft::Lines lines = some_lines(size);
    LineFft(size).forward(lines);
    for (int k = 0; k < size; ++k)
      for (int lane = 0; lane < kLanes; ++lane) {
        std::complex<double> sum = 0;
        for (int j = 0; j < size; ++j)
          sum += std::complex<double>(value(j, lane, false), value(j, lane, true)) *
                 std::polar(1.0, -2 * std::numbers::pi * j * k / size);
        ASSERT_NEAR(lines.re(k, lane), sum.real(), 1e-5) << size << ", " << k;
        ASSERT_NEAR(lines.im(k, lane), sum.imag(), 1e-5) << size << ", " << k;
      }
  }
}

TEST(LineFft, TheInverseGivesBackTheLinesTimesTheirSize) {
  for (const int size : {2, 60, 540}) {
    LineFft::Lines lines = some_lines(size);
    const LineFft fft(size);
    fft.forward(lines);
    fft.inverse(lines);
    for (int j = 0; j < size; ++j)
      for (int lane = 0; lane < kLanes; ++lane) {
        ASSERT_NEAR(lines.re(j, lane) / size, value(j, lane, false), 1e-6);
        ASSERT_NEAR(lines.im(j, lane) / size, value(j, lane, true), 1e-6);
      }
  }
}

TEST(LineFft, GoodSizes) {
  EXPECT_EQ(LineFft::good_size(1), 2);
  EXPECT_EQ(LineFft::good_size(7), 8);
  EXPECT_EQ(LineFft::good_size(11), 12);
  EXPECT_EQ(LineFft::good_size(13), 16);
  EXPECT_EQ(LineFft::good_size(45), 48);  // 45 = 5 * 9 is odd, 46 = 2 * 23
  EXPECT_EQ(LineFft::good_size(1001), 1024);
}

}  // namespace
}  // namespace coterie
