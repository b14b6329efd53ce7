#include "coterie/shallow/row_blocks.h"

#include <algorithm>

#include "coterie/core/parallel.h"

namespace coterie {

int threads_for(double work) {
  return static_cast<int>(std::clamp<double>(work / 2e6, 1, thread_count()));
}

std::int64_t row_block(std::int64_t columns) {
  constexpr std::int64_t kBytes = 16 << 20;
  return std::clamp<std::int64_t>(
      kBytes / (std::max<std::int64_t>(columns, 1) * static_cast<std::int64_t>(sizeof(double))), 1,
      kRowBlock);
}

void for_row_blocks(std::int64_t rows, std::int64_t columns, int threads,
                    const ShallowContext& context,
                    const std::function<void(int, std::int64_t, std::int64_t)>& work) {
  const std::int64_t block_rows = row_block(columns);
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  Team::run(threads, [&](int rank, Team& team) {
    const Share share = share_of(blocks, rank, team.threads());
    for (std::int64_t block = share.begin; block < share.end; ++block) {
      if (context.cancel && context.cancel->cancelled()) return;
      const std::int64_t first = block * block_rows;
      work(rank, first, std::min(block_rows, rows - first));
    }
  });
  context.check_cancelled();
}

}  // namespace coterie
