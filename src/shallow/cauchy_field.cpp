#include "coterie/shallow/cauchy_field.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "coterie/core/parallel.h"

namespace coterie {
namespace {

constexpr int kLanes = LineFft::kLanes;
constexpr int kSupport = 6;  // nodes across that a B-spline of degree 5 covers
constexpr int kPadded = 8;   // with two of weight zero: a vector register
constexpr double kWidestSpacing = 0.4;
constexpr double kNarrowestSpacing = 0.1;
constexpr double kFewestSteps = 32;    // of the grid across the points, where it can be narrower
constexpr int kLargestGrid = 4096;     // nodes a side, half of them empty
constexpr int kMargin = 8;             // nodes: the interpolated kernel reaches a little farther
constexpr std::int64_t kBandRows = 8;  // more than kSupport, so a point touches two bands at most
constexpr std::int64_t kBlock = 1024;  // points
constexpr std::int64_t kPointsPerNode = 6;  // of a side: fewer points go pair by pair
constexpr double kLeastTotal = 0.01;        // a point

/// B-splines of degree 5 at the six nodes around a point `t` in [0, 1) behind the third of them.
void spline_weights(float t, float* w) {
  const float u = 1 - t, t2 = t * t, u2 = u * u;
  w[0] = u2 * u2 * u / 120;
  w[1] = (26 + t * (-50 + t * (20 + t * (20 + t * (-20 + 5 * t))))) / 120;
  w[2] = (66 + t2 * (-60 + t2 * (30 - 10 * t))) / 120;
  w[3] = (66 + u2 * (-60 + u2 * (30 - 10 * u))) / 120;
  w[4] = (26 + u * (-50 + u * (20 + u * (20 + u * (-20 + 5 * u))))) / 120;
  w[5] = t2 * t2 * t / 120;
  w[6] = w[7] = 0;
}

/// Their derivatives by t.
void spline_slopes(float t, float* w) {
  const float u = 1 - t, t2 = t * t, u2 = u * u;
  w[0] = -u2 * u2 / 24;
  w[1] = (-10 + t * (8 + t * (12 + t * (-16 + 5 * t)))) / 24;
  w[2] = t * (-24 + t2 * (24 - 10 * t)) / 24;
  w[3] = -u * (-24 + u2 * (24 - 10 * u)) / 24;
  w[4] = -(-10 + u * (8 + u * (12 + u * (-16 + 5 * u)))) / 24;
  w[5] = t2 * t2 / 24;
  w[6] = w[7] = 0;
}

/// The spectrum of the splines' values at the nodes.
double spline_spectrum(std::int64_t k, std::int64_t size) {
  const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size);
  return (66 + 52 * std::cos(angle) + 2 * std::cos(2 * angle)) / 120;
}

std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

void clear(LineFft::Lines& lines, std::int64_t first_row) {
  std::fill(lines.re.row(first_row), lines.re.data() + lines.re.size(), 0.0f);
  std::fill(lines.im.row(first_row), lines.im.data() + lines.im.size(), 0.0f);
}

/// Calls work(item, lines) for the items 0..count-1 on the threads that there are lines for.
template <class Work>
void for_each_with(std::vector<LineFft::Lines>& lines, std::int64_t count, Work&& work) {
  const int threads = static_cast<int>(std::min<std::int64_t>(lines.size(), count));
  Team::run(threads, [&](int rank, Team& team) {
    const Share share = share_of(count, rank, team.threads());
    for (std::int64_t item = share.begin; item < share.end; ++item) work(item, lines[rank]);
  });
}

}  // namespace

/// The first node that a point's splines touch, and how far the point lies behind the third.
struct CauchyField::Place {
  std::int64_t column, row;
  float behind_column, behind_row;
};

CauchyField::CauchyField() : fft_(2) {}

CauchyField::Place CauchyField::place_of(const float* point) const {
  const double x = (point[0] - origin_[0]) / spacing_, y = (point[1] - origin_[1]) / spacing_;
  const double column = std::floor(x), row = std::floor(y);
  return {static_cast<std::int64_t>(column) - 2, static_cast<std::int64_t>(row) - 2,
          static_cast<float>(x - column), static_cast<float>(y - row)};
}

void CauchyField::lay_grid(MatrixView<const float> points) {
  float low[2] = {points(0, 0), points(0, 1)}, high[2] = {low[0], low[1]};
  for (std::int64_t i = 1; i < points.rows; ++i)
    for (int d = 0; d < 2; ++d) {
      low[d] = std::min(low[d], points(i, d));
      high[d] = std::max(high[d], points(i, d));
    }
  const double extent[2] = {static_cast<double>(high[0]) - low[0],
                            static_cast<double>(high[1]) - low[1]};
  const double longest = std::max(extent[0], extent[1]);
  spacing_ = kWidestSpacing;
  while (spacing_ > kNarrowestSpacing && longest / spacing_ < kFewestSteps) spacing_ /= 2;
  const auto nodes_across = [&](double length) {
    return static_cast<std::int64_t>(length / spacing_) + kSupport + 2;
  };
  while (2 * nodes_across(longest) + kMargin > kLargestGrid) spacing_ *= 2;
  for (int d = 0; d < 2; ++d) {
    nodes_[d] = nodes_across(extent[d]);
    origin_[d] = low[d] + (extent[d] - static_cast<double>(nodes_[d] - 1) * spacing_) / 2;
  }
  size_ = LineFft::good_size(static_cast<int>(2 * std::max(nodes_[0], nodes_[1])) + kMargin);
}

void CauchyField::make_room() {
  if (size_ != fft_.size()) {
    fft_ = LineFft(size_);
    lines_.assign(static_cast<std::size_t>(thread_count()), LineFft::Lines(size_));
    kernel_spacing_ = 0;
  }
  if (kernel_spacing_ != spacing_) build_kernel();
  // Two groups of columns are the parts of one complex line, and a point's row of nodes is read as
  // a whole vector register.
  const std::int64_t width = round_up(nodes_[0] + kPadded - kSupport, 2 * kLanes);
  bands_ = (nodes_[1] + kBandRows - 1) / kBandRows;
  charge_ = Matrix<float>(bands_ * kBandRows, width);
  if (potential_.rows() != charge_.rows() || potential_.cols() != width)
    potential_ = Matrix<float>(charge_.rows(), width);
  const std::int64_t frequencies = round_up(size_ / 2 + 1, kLanes);
  if (spectrum_re_.rows() != frequencies || spectrum_re_.cols() != width) {
    spectrum_re_ = Matrix<float>(frequencies, width);
    spectrum_im_ = Matrix<float>(frequencies, width);
  }
}

void CauchyField::build_kernel() {
  const int size = fft_.size();
  const std::int64_t half = size / 2 + 1, groups = (half + kLanes - 1) / kLanes;
  const auto lag = [&](std::int64_t j) {
    return spacing_ * static_cast<double>(std::min<std::int64_t>(j, size - j));
  };
  // The kernel and its spectrum are even and the same in both directions, so a quarter is enough.
  Matrix<float> rows(groups * kLanes, groups * kLanes);  // lags down by frequencies across
  for_each_with(lines_, groups, [&](std::int64_t group, LineFft::Lines& lines) {
    for (int j = 0; j < size; ++j)
      for (int lane = 0; lane < kLanes; ++lane) {
        const double across = lag(j), down = spacing_ * static_cast<double>(group * kLanes + lane);
        lines.re(j, lane) = static_cast<float>(1 / (1 + across * across + down * down));
        lines.im(j, lane) = 0;
      }
    fft_.forward(lines);
    for (std::int64_t k = 0; k < half; ++k)
      for (int lane = 0; lane < kLanes; ++lane) rows(group * kLanes + lane, k) = lines.re(k, lane);
  });
  kernel_ = Matrix<float>(groups * half, kLanes);
  for_each_with(lines_, groups, [&](std::int64_t group, LineFft::Lines& lines) {
    for (std::int64_t j = 0; j < size; ++j)
      for (int lane = 0; lane < kLanes; ++lane) {
        lines.re(j, lane) = rows(std::min<std::int64_t>(j, size - j), group * kLanes + lane);
        lines.im(j, lane) = 0;
      }
    fft_.forward(lines);
    for (std::int64_t k = 0; k < half; ++k)
      for (int lane = 0; lane < kLanes; ++lane) {
        const double splines =
            spline_spectrum(k, size) * spline_spectrum(group * kLanes + lane, size) * size;
        kernel_(group * half + k, lane) =
            static_cast<float>(lines.re(k, lane) / (splines * splines));
      }
  });
  kernel_spacing_ = spacing_;
}

void CauchyField::sort_into_bands(MatrixView<const float> points) {
  std::vector<std::int32_t> band(static_cast<std::size_t>(points.rows));
  band_begins_.assign(static_cast<std::size_t>(bands_ + 1), 0);
  parallel_for(points.rows, 4 * kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      band[i] = static_cast<std::int32_t>(place_of(points.row(i)).row / kBandRows);
  });
  for (const std::int32_t b : band) ++band_begins_[b + 1];
  for (std::int64_t b = 0; b < bands_; ++b) band_begins_[b + 1] += band_begins_[b];
  order_.resize(band.size());
  std::vector<std::int64_t> next(band_begins_.begin(), band_begins_.end() - 1);
  for (std::size_t i = 0; i < band.size(); ++i)
    order_[next[band[i]]++] = static_cast<std::int64_t>(i);
}

void CauchyField::spread(MatrixView<const float> points) {
  // Bands of one parity share no node, so that every node gets its charges in the same order.
  for (std::int64_t parity = 0; parity < 2; ++parity)
    parallel_for((bands_ + 1 - parity) / 2, 1, [&](std::int64_t begin, std::int64_t end) {
      float across[kPadded], down[kPadded];
      for (std::int64_t b = 2 * begin + parity; b < std::min(bands_, 2 * end + parity); b += 2)
        for (std::int64_t at = band_begins_[b]; at < band_begins_[b + 1]; ++at) {
          const Place place = place_of(points.row(order_[at]));
          spline_weights(place.behind_column, across);
          spline_weights(place.behind_row, down);
          for (int r = 0; r < kSupport; ++r) {
            float* nodes = charge_.row(place.row + r) + place.column;
            for (int c = 0; c < kPadded; ++c) nodes[c] += down[r] * across[c];
          }
        }
    });
}

void CauchyField::convolve() {
  const std::int64_t size = fft_.size(), half = size / 2 + 1;
  const std::int64_t rows = nodes_[1], width = charge_.cols();
  // Down: two real columns are one complex line, and half of the frequencies say all.
  for_each_with(lines_, width / (2 * kLanes), [&](std::int64_t group, LineFft::Lines& lines) {
    const std::int64_t first = group * 2 * kLanes;
    for (std::int64_t y = 0; y < rows; ++y) {
      std::copy_n(charge_.row(y) + first, kLanes, lines.re.row(y));
      std::copy_n(charge_.row(y) + first + kLanes, kLanes, lines.im.row(y));
    }
    clear(lines, rows);
    fft_.forward(lines);
    for (std::int64_t k = 0; k < half; ++k) {
      const std::int64_t mirrored = k == 0 ? 0 : size - k;
      float *re = spectrum_re_.row(k) + first, *im = spectrum_im_.row(k) + first;
      for (int lane = 0; lane < kLanes; ++lane) {
        const float a = lines.re(k, lane), b = lines.im(k, lane);
        const float c = lines.re(mirrored, lane), d = lines.im(mirrored, lane);
        re[lane] = (a + c) / 2;
        im[lane] = (b - d) / 2;
        re[kLanes + lane] = (b + d) / 2;
        im[kLanes + lane] = (c - a) / 2;
      }
    }
  });
  // Across, there and back.
  for_each_with(lines_, spectrum_re_.rows() / kLanes,
                [&](std::int64_t group, LineFft::Lines& lines) {
                  for (int lane = 0; lane < kLanes; ++lane) {
                    const float* re = spectrum_re_.row(group * kLanes + lane);
                    const float* im = spectrum_im_.row(group * kLanes + lane);
                    for (std::int64_t x = 0; x < nodes_[0]; ++x) {
                      lines.re(x, lane) = re[x];
                      lines.im(x, lane) = im[x];
                    }
                  }
                  clear(lines, nodes_[0]);
                  fft_.forward(lines);
                  for (std::int64_t k = 0; k < size; ++k) {
                    const float* factor = kernel_.row(group * half + std::min(k, size - k));
                    for (int lane = 0; lane < kLanes; ++lane) {
                      lines.re(k, lane) *= factor[lane];
                      lines.im(k, lane) *= factor[lane];
                    }
                  }
                  fft_.inverse(lines);
                  for (int lane = 0; lane < kLanes; ++lane) {
                    float* re = spectrum_re_.row(group * kLanes + lane);
                    float* im = spectrum_im_.row(group * kLanes + lane);
                    for (std::int64_t x = 0; x < nodes_[0]; ++x) {
                      re[x] = lines.re(x, lane);
                      im[x] = lines.im(x, lane);
                    }
                  }
                });
  // And up again.
  for_each_with(lines_, width / (2 * kLanes), [&](std::int64_t group, LineFft::Lines& lines) {
    const std::int64_t first = group * 2 * kLanes;
    for (std::int64_t k = 0; k < half; ++k) {
      const float *re = spectrum_re_.row(k) + first, *im = spectrum_im_.row(k) + first;
      for (int lane = 0; lane < kLanes; ++lane) {
        const float a = re[lane], b = im[lane], c = re[kLanes + lane], d = im[kLanes + lane];
        lines.re(k, lane) = a - d;
        lines.im(k, lane) = b + c;
        if (k > 0 && 2 * k < size) {
          lines.re(size - k, lane) = a + d;
          lines.im(size - k, lane) = c - b;
        }
      }
    }
    fft_.inverse(lines);
    for (std::int64_t y = 0; y < rows; ++y) {
      std::copy_n(lines.re.row(y), kLanes, potential_.row(y) + first);
      std::copy_n(lines.im.row(y), kLanes, potential_.row(y) + first + kLanes);
    }
  });
}

/// Of charge and potential: the sum of the kernel over all pairs, a point with itself among them.
double CauchyField::inner_product() const {
  double sum = 0;
  for (std::int64_t y = 0; y < nodes_[1]; ++y) {
    const float *charge = charge_.row(y), *potential = potential_.row(y);
    double partial[kLanes] = {};
    for (std::int64_t x = 0; x < charge_.cols(); x += kLanes)
      for (int lane = 0; lane < kLanes; ++lane)
        partial[lane] += static_cast<double>(charge[x + lane]) * potential[x + lane];
    for (const double part : partial) sum += part;
  }
  return sum;
}

double CauchyField::compute(MatrixView<const float> points, Matrix<float>& forces) {
  lay_grid(points);
  return points.rows <= kPointsPerNode * size_ ? from_pairs(points, forces)
                                               : from_grid(points, forces);
}

double CauchyField::from_pairs(MatrixView<const float> points, Matrix<float>& forces) const {
  constexpr float kNowhere = 1e15f;  // so far away that nothing comes from there
  const std::int64_t n = points.rows, filled = round_up(n, kLanes);
  Matrix<float> x(1, filled), y(1, filled);
  x.fill(kNowhere);
  for (std::int64_t j = 0; j < n; ++j) {
    x(0, j) = points(j, 0);
    y(0, j) = points(j, 1);
  }
  std::vector<double> totals(static_cast<std::size_t>(n));
  parallel_for(n, std::max<std::int64_t>(1, kBlock * kBlock / n),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   float total[kLanes] = {}, force_x[kLanes] = {}, force_y[kLanes] = {};
                   for (std::int64_t j = 0; j < filled; j += kLanes)
                     for (int lane = 0; lane < kLanes; ++lane) {
                       const float dx = points(i, 0) - x(0, j + lane);
                       const float dy = points(i, 1) - y(0, j + lane);
                       // Among far points a sum that held the 1 of i itself would keep no digits.
                       const float w = (j + lane == i ? 0.0f : 1.0f) / (1 + dx * dx + dy * dy);
                       total[lane] += w;
                       force_x[lane] += w * w * dx;
                       force_y[lane] += w * w * dy;
                     }
                   forces(i, 0) = forces(i, 1) = 0;
                   for (int lane = 0; lane < kLanes; ++lane) {
                     totals[i] += total[lane];
                     forces(i, 0) += force_x[lane];
                     forces(i, 1) += force_y[lane];
                   }
                 }
               });
  double sum = 0;
  for (const double total : totals) sum += total;
  return sum;
}

double CauchyField::from_grid(MatrixView<const float> points, Matrix<float>& forces) {
  make_room();
  sort_into_bands(points);
  spread(points);
  convolve();
  const float scale = static_cast<float>(-0.5 / spacing_);
  parallel_for(points.rows, kBlock, [&](std::int64_t begin, std::int64_t end) {
    float across[kPadded], down[kPadded], slope_across[kPadded], slope_down[kPadded];
    for (std::int64_t at = begin; at < end; ++at) {
      const std::int64_t i = order_[at];
      const Place place = place_of(points.row(i));
      spline_weights(place.behind_column, across);
      spline_weights(place.behind_row, down);
      spline_slopes(place.behind_column, slope_across);
      spline_slopes(place.behind_row, slope_down);
      float along[kPadded] = {}, sloping[kPadded] = {};
      for (int r = 0; r < kSupport; ++r) {
        const float* nodes = potential_.row(place.row + r) + place.column;
        for (int c = 0; c < kPadded; ++c) {
          along[c] += down[r] * nodes[c];
          sloping[c] += slope_down[r] * nodes[c];
        }
      }
      float x = 0, y = 0;
      for (int c = 0; c < kSupport; ++c) {
        x += slope_across[c] * along[c];
        y += across[c] * sloping[c];
      }
      forces(i, 0) = scale * x;
      forces(i, 1) = scale * y;
    }
  });
  // On a grid that is too coarse for the kernel the sum may come out as anything.
  const auto n = static_cast<double>(points.rows);
  return std::max(inner_product() - n, kLeastTotal * n);
}

}  // namespace coterie
