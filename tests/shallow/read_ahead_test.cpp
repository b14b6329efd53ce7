#include "coterie/shallow/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

constexpr std::int64_t kColumns = 1024, kPieceRows = 64, kPieces = 64;  // pieces of 256 KB

/// Whether the memory has the page in the middle of this piece.
bool resident(ConstFeatures rows, std::int64_t piece) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto middle =
      reinterpret_cast<std::uintptr_t>(rows.row(piece * kPieceRows + kPieceRows / 2));
  unsigned char there = 0;
  mincore(reinterpret_cast<void*>(middle / page * page), page, &there);
  return there & 1;
}

TEST(ReadAhead, AsksForThePiecesThatComeAndNoOthers) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder / "rows";
  std::ofstream(path, std::ios::binary) << std::string(kPieces * kPieceRows * kColumns * 4, 'x');
  const int file = open(path.c_str(), O_RDONLY);
  fsync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
  const MappedFile mapped(path);
  const ConstFeatures rows{reinterpret_cast<const float*>(mapped.bytes().data()),
                           kPieces * kPieceRows, kColumns};
  if (resident(rows, 5) || resident(rows, 40))
    GTEST_SKIP() << "this file system keeps its files in memory";

  ReadAhead ahead(rows, kPieceRows, 2, 1);
  const std::vector<std::uint32_t> visit = {5 * kPieceRows, 20 * kPieceRows + 3, 40 * kPieceRows};
  ahead.begin(visit);
  for (int i = 0; i < 200 && !(resident(rows, 5) && resident(rows, 20)); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(resident(rows, 5));
  EXPECT_TRUE(resident(rows, 20));
  EXPECT_FALSE(resident(rows, 40));  // three visits ahead
  EXPECT_FALSE(resident(rows, 6));
  ahead.advance(visit, 1);
  for (int i = 0; i < 200 && !resident(rows, 40); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(resident(rows, 40));
}

TEST(ReadAhead, LeavesSmallDataAlone) {
  const Matrix<float> rows(10, 3);
  ReadAhead ahead(rows, 2, 4);
  ahead.begin(std::vector<std::uint32_t>{9, 3, 1});
  ahead.advance({}, 5);
}

}  // namespace
}  // namespace coterie
