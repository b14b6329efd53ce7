#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace coterie {

/// A read-only or writable view of a row-major matrix. Rows are contiguous, without padding.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;

  T* row(std::int64_t i) const { return data + i * cols; }
  std::span<T> row_span(std::int64_t i) const { return {row(i), static_cast<std::size_t>(cols)}; }
  T& operator()(std::int64_t i, std::int64_t j) const { return data[i * cols + j]; }
  std::int64_t size() const { return rows * cols; }
  bool empty() const { return size() == 0; }
  /// Rows [begin, end).
  MatrixView slice(std::int64_t begin, std::int64_t end) const {
    return {data + begin * cols, end - begin, cols};
  }
  operator MatrixView<const T>() const { return {data, rows, cols}; }
};

/// Memory on cache-line boundaries, so that vector loads never straddle two lines.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{64}); }
  template <class U>
  bool operator==(const CacheLineAllocator<U>&) const {
    return true;
  }
};

/// An owning row-major matrix, zero-initialised.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::int64_t rows, std::int64_t cols)
      : rows_(rows), cols_(cols), values_(static_cast<std::size_t>(rows * cols)) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t size() const { return rows_ * cols_; }
  bool empty() const { return values_.empty(); }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  T* row(std::int64_t i) { return data() + i * cols_; }
  const T* row(std::int64_t i) const { return data() + i * cols_; }
  T& operator()(std::int64_t i, std::int64_t j) { return values_[i * cols_ + j]; }
  const T& operator()(std::int64_t i, std::int64_t j) const { return values_[i * cols_ + j]; }
  MatrixView<T> view() { return {data(), rows_, cols_}; }
  MatrixView<const T> view() const { return {data(), rows_, cols_}; }
  operator MatrixView<const T>() const { return view(); }
  void fill(T value) { values_.assign(values_.size(), value); }

 private:
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::vector<T, CacheLineAllocator<T>> values_;
};

using ConstFeatures = MatrixView<const float>;

}  // namespace coterie
