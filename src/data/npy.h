#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/progress.h"
#include "coterie/data/feature_rows.h"
#include "coterie/data/image_array.h"

namespace coterie {

/// A NumPy array file (format 1.0, 2.0 or 3.0), mapped. Holds integers, reals or flags of either
/// byte order; arrays of objects, records, texts and complex numbers are refused.
class NpyFile {
 public:
  /// Throws UserError where the file is no .npy, its header is damaged, its element type is
  /// refused, or its size differs from what the header promises.
  explicit NpyFile(const std::filesystem::path& path);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  bool is_integer() const { return kind_ == 'i' || kind_ == 'u' || kind_ == 'b'; }
  const std::string& name() const { return name_; }

  /// A 2-D array as features [N, D]. float32 in row order is not copied: the rows lie in the
  /// mapped file. Throws UserError for another shape, no row or no column.
  FeatureRows features() const;

  /// N x H x W or N x H x W x C (C = 1 or 3), uint8, flags, or reals in 0..1. Throws UserError for
  /// another shape or type; writing throws where a real is outside 0..1.
  ImageArray images() const;

  /// A 1-D array of integers (N x 1 counts as one).
  std::vector<std::int64_t> labels() const;

 private:
  void parse_header(std::string_view header);
  void parse_type(std::string_view type);
  template <class Visit>
  void visit_type(Visit visit) const;
  std::string shape_text() const;
  const std::byte* data() const { return file_->bytes().data() + data_offset_; }

  std::string name_;       ///< as messages show it
  std::string base_name_;  ///< of the rows
  std::shared_ptr<const MappedFile> file_;
  std::size_t data_offset_ = 0;
  char kind_ = 0;  ///< i, u, f or b
  int item_bytes_ = 0;
  bool swapped_ = false;
  bool fortran_ = false;
  std::vector<std::int64_t> shape_;
};

}  // namespace coterie
