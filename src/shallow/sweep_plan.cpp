#include "coterie/shallow/sweep_plan.h"

#include <algorithm>
#include <numeric>

namespace coterie {
namespace {

constexpr std::int64_t kPieceBytes = 256 << 10;
constexpr std::int64_t kWindowPieces = 256;

}  // namespace

SweepPlan::SweepPlan(std::int64_t rows)
    : order_(static_cast<std::size_t>(rows)), again_(static_cast<std::size_t>(rows), 1) {
  std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  visit_ = order_;
}

SweepPlan::SweepPlan(std::int64_t rows, std::int64_t row_bytes, RandomStream& stream)
    : SweepPlan(rows) {
  piece_rows_ = std::max<std::int64_t>(1, kPieceBytes / row_bytes);
  const std::int64_t pieces = (rows + piece_rows_ - 1) / piece_rows_;
  if (pieces > kWindowPieces) {
    std::vector<std::int64_t> drawn(static_cast<std::size_t>(pieces));
    std::iota(drawn.begin(), drawn.end(), std::int64_t{0});
    stream.shuffle(std::span(drawn));
    auto next = order_.begin();
    for (const std::int64_t piece : drawn) {
      const std::int64_t first = piece * piece_rows_;
      const std::int64_t count = std::min(piece_rows_, rows - first);
      std::iota(next, next + count, static_cast<std::uint32_t>(first));
      next += count;
    }
  }
  const auto window = static_cast<std::size_t>(window_rows());
  for (std::size_t first = 0; first < order_.size(); first += window)
    stream.shuffle(std::span(order_).subspan(first, std::min(window, order_.size() - first)));
  visit_ = order_;
}

std::int64_t SweepPlan::window_rows() const { return piece_rows_ * kWindowPieces; }

void SweepPlan::visit_all() { visit_ = order_; }

void SweepPlan::visit_kept() {
  std::size_t kept = 0;
  for (std::size_t place = 0; place < visit_.size(); ++place)
    if (again_[place]) visit_[kept++] = visit_[place];
  visit_.resize(kept);
}

}  // namespace coterie
