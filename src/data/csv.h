#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/progress.h"
#include "coterie/data/feature_rows.h"

namespace coterie {

/// Splits csv text into records (RFC 4180): quoted fields may hold commas, doubled quotes and line
/// breaks; lines end with LF or CRLF; a byte order mark and blank lines are skipped. Bytes pass
/// unchanged, so a path keeps its identity.
class CsvReader {
 public:
  /// `name` is what messages call the text, which must outlive the reader.
  CsvReader(std::string_view text, std::string name);

  /// Reads the next record; false at the end. The fields are valid until the next call. Throws
  /// UserError, with the line, on a quote that is never closed or text after a closing quote.
  bool next(std::vector<std::string_view>& fields);

  /// The line, from 1, on which the last record began.
  std::int64_t line() const { return record_line_; }

 private:
  struct Pending {
    std::size_t field;
    std::size_t begin;
    std::size_t length;
  };
  std::string_view quoted_field(std::size_t field);

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 0;
  /// Quoted fields that hold doubled quotes are put together here.
  std::string scratch_;
  std::vector<Pending> pending_;
};

/// Features [N, D] from a csv with a header line, and the texts of the label column.
struct CsvFeatures {
  FeatureRows rows;
  std::vector<std::string> columns;  ///< names of the D feature columns
  std::vector<std::string> labels;   ///< one for each row, empty without a label column
};

/// Reads a csv of numbers. `label_column` (empty: none) is left out of the features. Throws
/// UserError naming line and column where a row is ragged, a field is no finite number, the label
/// column is absent, or no row follows the header.
CsvFeatures read_csv_features(const std::filesystem::path& path, const std::string& label_column,
                              const CancelToken& cancel);

}  // namespace coterie
