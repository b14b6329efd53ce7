#pragma once

#include <cstdint>
#include <functional>

#include "coterie/shallow/assignment.h"

namespace coterie {

/// Rows that `for_row_blocks` hands out at once, at most.
inline constexpr std::int64_t kRowBlock = 256;

/// How many threads are worth starting for so many arithmetic steps.
int threads_for(double work);

/// Calls `work(rank, first, count)` on blocks of up to kRowBlock rows that cover [0, rows). Each
/// rank below `threads` takes a fixed run of whole blocks in order, so that sums kept by rank, and
/// added in the order of ranks, come out the same each time; and a row's block does not depend on
/// the threads. `work` must not throw. Throws Interrupted, before all is done, when cancelled.
void for_row_blocks(
    std::int64_t rows, int threads, const ShallowContext& context,
    const std::function<void(int rank, std::int64_t first, std::int64_t count)>& work);

}  // namespace coterie
