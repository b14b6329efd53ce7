#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/random.h"

namespace coterie {

/// Which rows a sweep visits, and in which order. The order is drawn once; a sweep may leave out
/// the rows that changed little in their last visit.
///
/// Rows are shuffled so that a file larger than memory is still read in long pieces: pieces of
/// consecutive rows are drawn at random, and within a window of many pieces the rows are shuffled.
/// Where all rows fit into one window, that is a plain shuffle.
class SweepPlan {
 public:
  /// In the rows' own order.
  explicit SweepPlan(std::int64_t rows);
  /// Shuffled, for rows of `row_bytes` each.
  SweepPlan(std::int64_t rows, std::int64_t row_bytes, RandomStream& stream);

  std::span<const std::uint32_t> visit() const { return visit_; }
  /// Rows of a piece, and of a window: how far apart in `visit` the rows of one piece lie at most.
  std::int64_t piece_rows() const { return piece_rows_; }
  std::int64_t window_rows() const;
  /// True where `visit` holds all rows.
  bool full() const { return visit_.size() == order_.size(); }
  /// Whether the row at this place of `visit` is to be visited again next time. Threads may call it
  /// for different places at once.
  void keep(std::size_t place, bool again) { again_[place] = again; }
  /// The next sweep visits all rows.
  void visit_all();
  /// The next sweep visits only those of this one that are kept.
  void visit_kept();

 private:
  std::int64_t piece_rows_ = 1;
  std::vector<std::uint32_t> order_, visit_;
  std::vector<std::uint8_t> again_;
};

}  // namespace coterie
