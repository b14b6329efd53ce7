#pragma once

#include <cstdint>
#include <functional>

#include "coterie/shallow/assignment.h"

namespace coterie {

/// Rows that loops take at once, at most.
inline constexpr std::int64_t kRowBlock = 256;

/// Rows of `columns` values that loops take at once: kRowBlock, and fewer where they are so long
/// that a block of them would take more than 16 MB in double.
std::int64_t row_block(std::int64_t columns);

/// How many threads are worth starting for so many arithmetic steps.
int threads_for(double work);

/// Calls `work(rank, first, count)` on blocks of up to row_block(columns) rows that cover [0,
/// rows). Each rank below `threads` takes a fixed run of whole blocks in order, so that sums kept
/// by rank, and added in the order of ranks, come out the same each time; and a row's block does
/// not depend on the threads. `work` must not throw. Throws Interrupted, before all is done, when
/// cancelled.
void for_row_blocks(
    std::int64_t rows, std::int64_t columns, int threads, const ShallowContext& context,
    const std::function<void(int rank, std::int64_t first, std::int64_t count)>& work);

}  // namespace coterie
