#include "coterie/report/found_lists.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>

#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"

namespace coterie {
namespace {

/// A csv of a run whose lines name rows of it, with the columns that are asked for by name.
class ListFile {
 public:
  ListFile(const LoadedRun& run, const char* file, const char* command)
      : run_(run),
        path_(run.folder.file(file)),
        command_(command),
        text_(read_file(path_)),
        reader_(text_, printable(path_.native())) {
    std::vector<std::string_view> names;
    if (!reader_.next(names)) fail("it is empty");
    for (std::size_t i = 0; i < names.size(); ++i) columns_[std::string(names[i])] = i;
  }

  bool next() {
    if (!reader_.next(fields_)) return false;
    if (fields_.size() != columns_.size())
      fail(fmt::format("{} fields, expected {}", fields_.size(), columns_.size()));
    return true;
  }
  std::string_view text(const char* column) {
    const auto found = columns_.find(column);
    if (found == columns_.end()) fail(fmt::format("there is no column {}", column));
    return fields_[found->second];
  }
  std::int64_t whole(const char* column) { return checked(column, parse_integer); }
  double real(const char* column) { return checked(column, parse_real); }
  /// The row that a line names by id and path.
  std::int64_t row() {
    const std::int64_t id = whole("id");
    if (id < 0 || id >= run_.dataset.size() || run_.rows[id].path != text("path"))
      fail(fmt::format("id {} is not '{}' in this run", id, printable(text("path"))));
    return id;
  }

 private:
  template <class T>
  T checked(const char* column, T (*read)(std::string_view, std::string_view)) {
    const std::string_view value = text(column);
    try {
      return read(column, value);
    } catch (const UserError& error) {
      fail(error.what());
    }
  }
  [[noreturn]] void fail(const std::string& fault) const {
    throw UserError("{}, line {}: {}; make it again: coterie {} {}", printable(path_.native()),
                    reader_.line(), fault, command_, printable(run_.folder.path().native()));
  }

  const LoadedRun& run_;
  std::filesystem::path path_;
  const char* command_;
  std::string text_;
  CsvReader reader_;
  std::map<std::string, std::size_t> columns_;
  std::vector<std::string_view> fields_;
};

}  // namespace

std::optional<std::vector<DuplicateGroup>> read_duplicates(const LoadedRun& run) {
  if (!path_exists(run.folder.file("duplicates.csv"))) return std::nullopt;
  ListFile list(run, "duplicates.csv", "duplicates");
  std::vector<DuplicateGroup> groups;
  std::map<std::int64_t, std::size_t> places;
  while (list.next()) {
    const auto [place, fresh] = places.try_emplace(list.whole("group"), groups.size());
    if (fresh) groups.emplace_back();
    DuplicateGroup& group = groups[place->second];
    group.ids.push_back(list.row());
    group.exact = group.exact && list.text("kind") == "exact";
    group.least_similarity = std::min(group.least_similarity, list.real("similarity"));
  }
  return groups;
}

std::optional<Outliers> read_outliers(const LoadedRun& run, std::int64_t most) {
  if (!path_exists(run.folder.file("outliers.csv"))) return std::nullopt;
  ListFile list(run, "outliers.csv", "outliers");
  Outliers found;
  std::vector<std::pair<std::int64_t, Outlier>> ranked;
  while (list.next()) ranked.push_back({list.whole("rank"), {list.row(), list.real("score")}});
  found.count = static_cast<std::int64_t>(ranked.size());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  ranked.resize(std::min(ranked.size(), static_cast<std::size_t>(most)));
  for (const auto& [rank, outlier] : ranked) found.first.push_back(outlier);
  return found;
}

}  // namespace coterie
