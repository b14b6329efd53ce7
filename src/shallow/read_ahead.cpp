#include "coterie/shallow/read_ahead.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace coterie {
namespace {

/// Advice for the whole pages that hold `bytes` bytes from `begin` on. It is advice only: where the
/// memory is no mapped file it changes nothing, and its failure neither.
void advise(const void* begin, std::int64_t bytes, int advice) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(begin) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(begin) + static_cast<std::uintptr_t>(bytes);
  ::madvise(reinterpret_cast<void*>(first), last - first, advice);
}

}  // namespace

ReadAhead::ReadAhead(ConstFeatures rows, std::int64_t piece_rows, std::int64_t ahead,
                     std::int64_t smallest)
    : rows_(rows),
      piece_rows_(piece_rows),
      ahead_(ahead),
      active_(rows.size() * static_cast<std::int64_t>(sizeof(float)) >= smallest) {
  if (active_)
    advise(rows.data, rows.size() * static_cast<std::int64_t>(sizeof(float)), MADV_RANDOM);
}

ReadAhead::~ReadAhead() {
  if (active_)
    advise(rows_.data, rows_.size() * static_cast<std::int64_t>(sizeof(float)), MADV_NORMAL);
}

void ReadAhead::begin(std::span<const std::uint32_t> visit) {
  if (!active_) return;
  asked_.assign(static_cast<std::size_t>(rows_.rows / piece_rows_ + 1), false);
  asked_to_ = 0;
  advance(visit, 0);
}

void ReadAhead::advance(std::span<const std::uint32_t> visit, std::int64_t place) {
  if (!active_) return;
  const auto until = std::min(static_cast<std::int64_t>(visit.size()), place + ahead_);
  for (; asked_to_ < until; ++asked_to_) ask(visit[asked_to_]);
}

void ReadAhead::ask(std::int64_t row) {
  const std::int64_t piece = row / piece_rows_;
  if (asked_[piece]) return;
  asked_[piece] = true;
  const std::int64_t first = piece * piece_rows_;
  const std::int64_t count = std::min(piece_rows_, rows_.rows - first);
  advise(rows_.row(first), count * rows_.cols * static_cast<std::int64_t>(sizeof(float)),
         MADV_WILLNEED);
}

}  // namespace coterie
