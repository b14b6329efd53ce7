#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coterie/core/matrix.h"

namespace coterie {

/// Reading rows in a shuffled order where they are mapped from a file that may be larger than
/// memory. The system reads some megabytes round each row that it has not got, which for scattered
/// rows is mostly waste; while this lives it reads nothing but what is asked for, piece by piece, a
/// while before it is wanted. Does nothing to rows that fit into a small part of memory.
class ReadAhead {
 public:
  /// `rows` will be asked for in pieces of `piece_rows` consecutive ones, `ahead` visits before
  /// their time. Rows of less than `smallest` bytes are left alone.
  ReadAhead(ConstFeatures rows, std::int64_t piece_rows, std::int64_t ahead,
            std::int64_t smallest = 256 << 20);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// A pass over the rows in `visit` begins.
  void begin(std::span<const std::uint32_t> visit);
  /// The pass has come to this place of `visit`.
  void advance(std::span<const std::uint32_t> visit, std::int64_t place);

 private:
  void ask(std::int64_t row);

  ConstFeatures rows_;
  std::int64_t piece_rows_;
  std::int64_t ahead_;
  bool active_;
  std::vector<bool> asked_;  // by piece, in this pass
  std::int64_t asked_to_ = 0;
};

}  // namespace coterie
