#include "coterie/shallow/line_fft.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace coterie {
namespace {

/// The discrete Fourier transform of R values, in place.
template <int R>
void small_transform(float* re, float* im);

template <>
void small_transform<2>(float* re, float* im) {
  const float r = re[0] - re[1], i = im[0] - im[1];
  re[0] += re[1];
  im[0] += im[1];
  re[1] = r;
  im[1] = i;
}

template <>
void small_transform<3>(float* re, float* im) {
  constexpr float kSine = 0.866025403784438647f;  // of a third of the circle
  const float sum_r = re[1] + re[2], sum_i = im[1] + im[2];
  const float turned_r = kSine * (im[1] - im[2]), turned_i = kSine * (re[2] - re[1]);
  const float middle_r = re[0] - 0.5f * sum_r, middle_i = im[0] - 0.5f * sum_i;
  re[0] += sum_r;
  im[0] += sum_i;
  re[1] = middle_r + turned_r;
  im[1] = middle_i + turned_i;
  re[2] = middle_r - turned_r;
  im[2] = middle_i - turned_i;
}

template <>
void small_transform<4>(float* re, float* im) {
  const float even_r = re[0] + re[2], even_i = im[0] + im[2];
  const float apart_r = re[0] - re[2], apart_i = im[0] - im[2];
  const float odd_r = re[1] + re[3], odd_i = im[1] + im[3];
  const float turned_r = im[1] - im[3], turned_i = re[3] - re[1];
  re[0] = even_r + odd_r;
  im[0] = even_i + odd_i;
  re[1] = apart_r + turned_r;
  im[1] = apart_i + turned_i;
  re[2] = even_r - odd_r;
  im[2] = even_i - odd_i;
  re[3] = apart_r - turned_r;
  im[3] = apart_i - turned_i;
}

template <>
void small_transform<5>(float* re, float* im) {
  constexpr float kCosine1 = 0.309016994374947424f, kCosine2 = -0.809016994374947424f;
  constexpr float kSine1 = 0.951056516295153572f, kSine2 = 0.587785252292473129f;
  const float sum1_r = re[1] + re[4], sum1_i = im[1] + im[4];
  const float sum2_r = re[2] + re[3], sum2_i = im[2] + im[3];
  const float apart1_r = re[1] - re[4], apart1_i = im[1] - im[4];
  const float apart2_r = re[2] - re[3], apart2_i = im[2] - im[3];
  const float near_r = re[0] + kCosine1 * sum1_r + kCosine2 * sum2_r;
  const float near_i = im[0] + kCosine1 * sum1_i + kCosine2 * sum2_i;
  const float far_r = re[0] + kCosine2 * sum1_r + kCosine1 * sum2_r;
  const float far_i = im[0] + kCosine2 * sum1_i + kCosine1 * sum2_i;
  const float near_turned_r = kSine1 * apart1_i + kSine2 * apart2_i;
  const float near_turned_i = -kSine1 * apart1_r - kSine2 * apart2_r;
  const float far_turned_r = kSine2 * apart1_i - kSine1 * apart2_i;
  const float far_turned_i = kSine1 * apart2_r - kSine2 * apart1_r;
  re[0] += sum1_r + sum2_r;
  im[0] += sum1_i + sum2_i;
  re[1] = near_r + near_turned_r;
  im[1] = near_i + near_turned_i;
  re[2] = far_r + far_turned_r;
  im[2] = far_i + far_turned_i;
  re[3] = far_r - far_turned_r;
  im[3] = far_i - far_turned_i;
  re[4] = near_r - near_turned_r;
  im[4] = near_i - near_turned_i;
}

/// One of the steps: `groups` transforms of R values, each for `width` neighbouring columns.
template <int R>
void step(const float* __restrict from_re, const float* __restrict from_im, float* __restrict to_re,
          float* __restrict to_im, int groups, int width, const float* cosines, const float* sines,
          int turn) {
  const std::int64_t apart = static_cast<std::int64_t>(groups) * width;
  for (int g = 0; g < groups; ++g) {
    float c[R], s[R];
    for (int k = 0; k < R; ++k) {
      c[k] = cosines[k * g * turn];
      s[k] = -sines[k * g * turn];
    }
    const std::int64_t from = static_cast<std::int64_t>(g) * width, to = from * R;
    for (int t = 0; t < width; ++t) {
      float re[R], im[R];
      for (int k = 0; k < R; ++k) {
        re[k] = from_re[from + k * apart + t];
        im[k] = from_im[from + k * apart + t];
      }
      small_transform<R>(re, im);
      to_re[to + t] = re[0];
      to_im[to + t] = im[0];
      for (int k = 1; k < R; ++k) {
        to_re[to + static_cast<std::int64_t>(k) * width + t] = c[k] * re[k] - s[k] * im[k];
        to_im[to + static_cast<std::int64_t>(k) * width + t] = c[k] * im[k] + s[k] * re[k];
      }
    }
  }
}

}  // namespace

LineFft::LineFft(int size) : size_(size) {
  int rest = size;
  for (const int radix : {5, 3, 4, 2})
    for (; rest % radix == 0; rest /= radix) radices_.push_back(radix);
  for (int j = 0; j < size; ++j) {
    const double angle = 2 * std::numbers::pi * j / size;
    cosines_.push_back(static_cast<float>(std::cos(angle)));
    sines_.push_back(static_cast<float>(std::sin(angle)));
  }
}

int LineFft::good_size(int least) {
  for (int size = least + least % 2;; size += 2) {
    int rest = size;
    for (const int prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return size;
  }
}

void LineFft::forward(Lines& lines) const {
  int length = size_, width = kLanes;
  for (const int radix : radices_) {
    length /= radix;
    const auto run = [&](auto work) {
      work(lines.re.data(), lines.im.data(), lines.other_re.data(), lines.other_im.data(), length,
           width, cosines_.data(), sines_.data(), width / kLanes);
    };
    switch (radix) {
      case 2:
        run(step<2>);
        break;
      case 3:
        run(step<3>);
        break;
      case 4:
        run(step<4>);
        break;
      default:
        run(step<5>);
        break;
    }
    std::swap(lines.re, lines.other_re);
    std::swap(lines.im, lines.other_im);
    width *= radix;
  }
}

void LineFft::inverse(Lines& lines) const {
  // With the parts exchanged, x becomes i conj(x), and so does the result.
  std::swap(lines.re, lines.im);
  forward(lines);
  std::swap(lines.re, lines.im);
}

}  // namespace coterie
