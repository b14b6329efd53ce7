#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// Discrete Fourier transforms of kLanes lines at once, so that one vector instruction does the
/// same step of all of them (Stockham's self-sorting form, radices 5, 4, 3 and 2).
class LineFft {
 public:
  static constexpr int kLanes = 8;

  /// Lines of complex values in two parts, each [size, kLanes]: element j of lane l is
  /// re(j, l) + i im(j, l). The other parts are room to work in.
  struct Lines {
    explicit Lines(int size)
        : re(size, kLanes), im(size, kLanes), other_re(size, kLanes), other_im(size, kLanes) {}
    Matrix<float> re, im, other_re, other_im;
  };

  /// `size` has no prime factor above 5; see `good_size`.
  explicit LineFft(int size);
  /// The least even size of at least `least` whose prime factors are 2, 3 and 5.
  static int good_size(int least);

  int size() const { return size_; }
  /// X_k = sum_j x_j exp(-2 pi i j k / size), in place.
  void forward(Lines& lines) const;
  /// x_j = sum_k X_k exp(+2 pi i j k / size): without the division by `size`.
  void inverse(Lines& lines) const;

 private:
  int size_;
  std::vector<int> radices_;
  std::vector<float> cosines_, sines_;  // of 2 pi j / size
};

}  // namespace coterie
