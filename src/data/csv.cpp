#include "coterie/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/source.h"

namespace coterie {
namespace {

constexpr std::size_t kShownBytes = 40;

/// A field as messages show it.
std::string shown_value(std::string_view field) {
  if (field.size() <= kShownBytes) return printable(field);
  return printable(field.substr(0, kShownBytes)) + "...";
}

std::string_view trimmed(std::string_view field) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!field.empty() && blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && blank(field.back())) field.remove_suffix(1);
  return field;
}

/// Whether a number beyond the range of double is beyond it at zero's end.
bool vanishes(std::string_view number) {
  const std::size_t exponent = number.find_first_of("eE");
  if (exponent != std::string_view::npos)
    return exponent + 1 < number.size() && number[exponent + 1] == '-';
  const std::size_t digit = number.find_first_not_of("-");
  return digit != std::string_view::npos && (number[digit] == '0' || number[digit] == '.');
}

std::optional<float> parse_number(std::string_view field) {
  field = trimmed(field);
  if (field.size() > 1 && field.front() == '+' && field[1] != '-') field.remove_prefix(1);
  const char* end = field.data() + field.size();
  float value = 0;
  const auto [stop, error] = std::from_chars(field.data(), end, value);
  if (error == std::errc::invalid_argument || stop != end) return std::nullopt;
  if (error == std::errc()) return value;
  // Beyond float: as double it either rounds to zero or is too large.
  double wide = 0;
  if (std::from_chars(field.data(), end, wide).ec == std::errc()) return static_cast<float>(wide);
  return vanishes(field) ? 0.0f : HUGE_VALF;
}

/// Whether the first line holds values rather than names. 0, 1, 2, ... and 1, 2, 3, ... are what
/// programs write as names of columns that have none.
bool looks_like_values(const std::vector<std::string>& names) {
  bool from_zero = true, from_one = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!parse_number(names[i])) return false;
    from_zero &= names[i] == std::to_string(i);
    from_one &= names[i] == std::to_string(i + 1);
  }
  return !(names.size() > 1 && (from_zero || from_one));
}

class FeatureParser {
 public:
  FeatureParser(const std::filesystem::path& path, const std::string& label_column)
      : name_(shown(path)), file_(path), reader_(text(), name_) {
    read_header(label_column);
  }

  CsvFeatures parse(const CancelToken& cancel) {
    using Values = std::vector<float, CacheLineAllocator<float>>;
    auto values = std::make_shared<Values>();
    values->reserve(most_values());
    CsvFeatures out;
    std::int64_t rows = 0;
    std::vector<std::string_view> fields;
    while (reader_.next(fields)) {
      if (rows % 4096 == 0) cancel.check();
      check_width(fields.size());
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i == label_) {
          const std::string_view label = trimmed(fields[i]);
          if (label.empty())
            throw UserError("{}: line {} has no label in column '{}'; every row needs one", name_,
                            reader_.line(), printable(names_[i]));
          out.labels.emplace_back(label);
        } else {
          values->push_back(value_of(fields[i], i));
        }
      }
      ++rows;
    }
    if (rows == 0 && text().find('\r') != std::string_view::npos &&
        text().find('\n') == std::string_view::npos)
      throw UserError("the lines of {} end with CR alone; save it with LF or CRLF between lines",
                      name_);
    if (rows == 0)
      throw UserError("{} holds a header line and no row of values; nothing is left to cluster",
                      name_);
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (i != label_) out.columns.push_back(names_[i]);
    out.rows.values = {values->data(), rows, static_cast<std::int64_t>(out.columns.size())};
    out.rows.storage = std::move(values);
    return out;
  }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::string_view text() const {
    return {reinterpret_cast<const char*>(file_.bytes().data()), file_.size()};
  }

  void read_header(const std::string& label_column) {
    std::vector<std::string_view> fields;
    if (!reader_.next(fields))
      throw UserError("{} is empty; a csv of features has a header line, then a line for each row",
                      name_);
    for (const auto field : fields) names_.emplace_back(trimmed(field));
    if (looks_like_values(names_))
      throw UserError(
          "{}: the first line holds values ({}, ...) where a csv of features has its column names; "
          "put a header line in front",
          name_, shown_value(names_[0]));
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i].empty())
        throw UserError(
            "{}: column {} has no name in the header line; name it if it is a feature, remove it "
            "if it is a row number (pandas: to_csv(..., index=False))",
            name_, i + 1);
    if (!label_column.empty()) find_label(label_column);
    if (names_.size() == (label_ == kNone ? 0u : 1u))
      throw UserError("{} has no column but '{}', the labels; features are needed too", name_,
                      printable(label_column));
  }

  void find_label(const std::string& label_column) {
    const auto count = std::count(names_.begin(), names_.end(), label_column);
    if (count == 1) {
      label_ = static_cast<std::size_t>(std::find(names_.begin(), names_.end(), label_column) -
                                        names_.begin());
      return;
    }
    if (count > 1)
      throw UserError("{} has {} columns named '{}'; the label column's name must be unique", name_,
                      count, printable(label_column));
    const std::string near = closest(label_column, names_);
    constexpr std::size_t kListed = 30;
    std::vector<std::string> listed;
    for (std::size_t i = 0; i < std::min(kListed, names_.size()); ++i)
      listed.push_back(shown_value(names_[i]));
    if (names_.size() > kListed) listed.push_back(fmt::format("... ({} in all)", names_.size()));
    throw UserError("{} has no column '{}' for the labels{}; its columns are {}", name_,
                    printable(label_column),
                    near.empty() ? "" : "; did you mean '" + printable(near) + "'?",
                    join(listed, ", "));
  }

  /// An upper bound that a hostile file cannot blow up: a value takes two bytes at least.
  std::size_t most_values() const {
    const auto lines = static_cast<std::size_t>(std::count(text().begin(), text().end(), '\n')) + 1;
    return std::min(lines * names_.size(), text().size() / 2 + names_.size());
  }

  void check_width(std::size_t found) const {
    if (found == names_.size()) return;
    throw UserError(
        "{}: line {} has {} fields where the header has {}; every line needs the same number",
        name_, reader_.line(), found, names_.size());
  }

  float value_of(std::string_view field, std::size_t column) const {
    const auto value = parse_number(field);
    if (value && std::isfinite(*value)) return *value;
    const std::string where =
        fmt::format("{}: line {}, column '{}'", name_, reader_.line(), printable(names_[column]));
    if (value)
      throw UserError("{} holds {}, which is no finite 32-bit number; remove or replace it", where,
                      shown_value(field));
    if (trimmed(field).empty())
      throw UserError("{} is empty where a number is needed; fill it in or remove the row", where);
    throw UserError(
        "{} holds '{}', which is no number; remove the column, or name it as the label column if "
        "it holds the ground truth",
        where, shown_value(field));
  }

  std::string name_;
  MappedFile file_;
  CsvReader reader_;
  std::vector<std::string> names_;
  std::size_t label_ = kNone;
};

}  // namespace

CsvReader::CsvReader(std::string_view text, std::string name)
    : text_(text), name_(std::move(name)) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
}

bool CsvReader::next(std::vector<std::string_view>& fields) {
  fields.clear();
  scratch_.clear();
  pending_.clear();
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'))
    if (text_[at_++] == '\n') ++line_;
  if (at_ >= text_.size()) return false;
  record_line_ = line_;
  const char* const data = text_.data();
  const std::size_t size = text_.size();
  for (;;) {
    if (at_ < size && data[at_] == '"') {
      fields.push_back(quoted_field(fields.size()));
    } else {
      const std::size_t begin = at_;
      while (at_ < size && data[at_] != ',' && data[at_] != '\n') ++at_;
      std::size_t end = at_;
      const bool ends_line = at_ >= size || data[at_] == '\n';
      if (ends_line && end > begin && data[end - 1] == '\r') --end;
      fields.push_back(text_.substr(begin, end - begin));
    }
    if (at_ >= size) break;
    if (data[at_++] == '\n') {
      ++line_;
      break;
    }
  }
  for (const auto& [field, begin, length] : pending_)
    fields[field] = std::string_view(scratch_).substr(begin, length);
  return true;
}

/// Reads from an opening quote up to the comma or line feed after the closing one.
std::string_view CsvReader::quoted_field(std::size_t field) {
  const std::int64_t opened = line_;
  const std::size_t content = at_ + 1;
  const std::size_t kept = scratch_.size();
  std::size_t piece = content;
  bool doubled = false;
  for (;;) {
    const std::size_t quote = text_.find('"', at_ + 1);
    if (quote == std::string_view::npos)
      throw UserError("{}: the quote opened on line {} is never closed; close it or double it",
                      name_, opened);
    line_ += std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                        text_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
    at_ = quote + 1;
    if (at_ >= text_.size() || text_[at_] != '"') break;
    doubled = true;
    scratch_.append(text_.substr(piece, at_ - piece));
    piece = at_ + 1;
  }
  const std::size_t close = at_ - 1;
  if (text_.substr(at_).starts_with("\r\n") || text_.substr(at_) == "\r") ++at_;
  if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n')
    throw UserError("{}: line {} has text after a closing quote; quotes inside a field are doubled",
                    name_, line_);
  if (!doubled) return text_.substr(content, close - content);
  scratch_.append(text_.substr(piece, close - piece));
  // The scratch text may still move; the view is made when the record is complete.
  pending_.push_back({field, kept, scratch_.size() - kept});
  return {};
}

CsvFeatures read_csv_features(const std::filesystem::path& path, const std::string& label_column,
                              const CancelToken& cancel) {
  return FeatureParser(path, label_column).parse(cancel);
}

}  // namespace coterie
