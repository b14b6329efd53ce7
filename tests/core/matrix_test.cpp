#include "coterie/core/matrix.h"

#include <type_traits>
#include <vector>

#include "testing.h"

namespace coterie {
namespace {

TEST(Matrix, BeginsOnACacheLine) {
  std::vector<Matrix<float>> kept;
  for (int size = 1; size < 50; ++size) {
    kept.emplace_back(1, size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(kept.back().data()) % 64, 0u) << size;
  }
}

TEST(Matrix, StartsAtZero) {
  Matrix<float> matrix(3, 5);
  EXPECT_EQ(matrix.rows(), 3);
  EXPECT_EQ(matrix.cols(), 5);
  EXPECT_EQ(matrix.size(), 15);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(matrix.data()[i], 0.0f);
  EXPECT_TRUE(Matrix<float>(0, 5).empty());
}

TEST(Matrix, IsRowMajor) {
  Matrix<int> matrix(2, 3);
  for (int i = 0; i < 6; ++i) matrix.data()[i] = i;
  EXPECT_EQ(matrix(1, 2), 5);
  EXPECT_EQ(matrix.row(1)[0], 3);
  const MatrixView<const int> view = matrix;
  EXPECT_EQ(view(0, 2), 2);
  EXPECT_EQ(view.row_span(1).size(), 3u);
}

TEST(Matrix, SliceSharesTheMemory) {
  Matrix<int> matrix(4, 2);
  const auto middle = matrix.view().slice(1, 3);
  EXPECT_EQ(middle.rows, 2);
  middle(0, 1) = 9;
  EXPECT_EQ(matrix(1, 1), 9);
  EXPECT_TRUE(matrix.view().slice(2, 2).empty());
}

TEST(Matrix, AConstMatrixGivesNoWritableView) {
  static_assert(
      std::is_same_v<decltype(std::declval<const Matrix<int>&>().view()), MatrixView<const int>>);
  static_assert(!std::is_convertible_v<MatrixView<const int>, MatrixView<int>>);
}

}  // namespace
}  // namespace coterie
