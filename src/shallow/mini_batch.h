#pragma once

#include <cstdint>
#include <vector>

#include "coterie/core/matrix.h"
#include "coterie/core/random.h"
#include "coterie/shallow/rows.h"

namespace coterie {

/// Mini-batch k-means (Sculley: Web-scale k-means clustering, 2010, algorithm 1): each row of a
/// random batch pulls its nearest centre by one over the number of rows that centre has seen. A
/// batch takes O(B K D) time, however many rows there are.
class MiniBatch {
 public:
  MiniBatch(const PreparedRows& rows, Matrix<double> centres, std::int64_t batch_rows);

  void advance(RandomStream& stream);
  /// The batches' mean squared distance, smoothed, has not fallen for several batches.
  bool settled() const { return without_gain_ >= kPatience; }
  std::int64_t rows_seen() const { return rows_seen_; }
  const Matrix<double>& centres() const { return centres_; }

 private:
  static constexpr int kPatience = 10;

  const PreparedRows& rows_;
  Matrix<double> centres_;
  std::int64_t batch_rows_;
  std::vector<std::int64_t> seen_;  // rows that each centre has seen
  std::int64_t rows_seen_ = 0;
  double smoothed_ = 0;  // mean squared distance
  double least_ = 0;
  int without_gain_ = 0;
};

}  // namespace coterie
