#include "coterie/shallow/row_blocks.h"

#include <algorithm>

#include "coterie/core/parallel.h"

namespace coterie {

int threads_for(double work) {
  return static_cast<int>(std::clamp<double>(work / 2e6, 1, thread_count()));
}

void for_row_blocks(std::int64_t rows, int threads, const ShallowContext& context,
                    const std::function<void(int, std::int64_t, std::int64_t)>& work) {
  const std::int64_t blocks = (rows + kRowBlock - 1) / kRowBlock;
  Team::run(threads, [&](int rank, Team& team) {
    const Share share = share_of(blocks, rank, team.threads());
    for (std::int64_t block = share.begin; block < share.end; ++block) {
      if (context.cancel && context.cancel->cancelled()) return;
      const std::int64_t first = block * kRowBlock;
      work(rank, first, std::min(kRowBlock, rows - first));
    }
  });
  context.check_cancelled();
}

}  // namespace coterie
