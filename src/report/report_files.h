#pragma once

#include <filesystem>
#include <string>

namespace coterie {

/// The folder beside a page for what it loads as it is seen: RUN/report/files-N, a new one for each
/// writing, so that the page that is there keeps its own until the new one takes its place.
class ReportFiles {
 public:
  /// Creates the next folder within `report`, which exists. Throws UserError where the disk
  /// refuses.
  explicit ReportFiles(std::filesystem::path report);
  /// Removes the folder again unless it was kept.
  ~ReportFiles();
  ReportFiles(const ReportFiles&) = delete;
  ReportFiles& operator=(const ReportFiles&) = delete;

  const std::string& name() const { return name_; }
  std::filesystem::path path() const { return report_ / name_; }
  /// Keeps the folder, where anything is in it, and removes those of earlier pages. To be called
  /// once the page that names it is on disk.
  void keep();

 private:
  std::filesystem::path report_;
  std::string name_;
  bool kept_ = false;
};

}  // namespace coterie
