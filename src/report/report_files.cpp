#include "coterie/report/report_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "coterie/core/files.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::string_view kPrefix = "files-";

/// The number of such a folder; -1 for any other name.
std::int64_t number_of(const std::string& name) {
  std::int64_t number = -1;
  if (!name.starts_with(kPrefix)) return -1;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
}

std::vector<fs::path> folders_in(const fs::path& report) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(report, ignored))
    if (number_of(entry.path().filename().native()) >= 0 && entry.is_directory(ignored))
      found.push_back(entry.path());
  return found;
}

}  // namespace

ReportFiles::ReportFiles(fs::path report) : report_(std::move(report)) {
  std::int64_t last = 0;
  for (const auto& folder : folders_in(report_))
    last = std::max(last, number_of(folder.filename().native()));
  name_ = fmt::format("{}{}", kPrefix, last + 1);
  create_folder(path());
}

ReportFiles::~ReportFiles() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path(), ignored);
}

void ReportFiles::keep() {
  std::error_code ignored;
  kept_ = !fs::is_empty(path(), ignored);
  for (const auto& folder : folders_in(report_))
    if (folder.filename() != name_) fs::remove_all(folder, ignored);
}

}  // namespace coterie
