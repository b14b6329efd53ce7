#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/error.h"
#include "coterie/core/progress.h"

namespace coterie::testing {

/// A folder of its own that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "coterie-test-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot create " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Keeps what the user is warned of.
class Warnings : public Progress {
 public:
  void warn(std::string_view text) override { said.emplace_back(text); }
  std::string all() const {
    std::string lines;
    for (const std::string& line : said) {
      lines += line;
      lines += '\n';
    }
    return lines;
  }
  std::vector<std::string> said;
};

/// The message of the UserError that `work` throws; fails the test where it throws none.
template <class Work>
std::string user_error_of(Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no UserError was thrown";
  return {};
}

inline std::filesystem::path shared_data() { return COTERIE_SHARED_DATA; }

}  // namespace coterie::testing

/// Skips a test that needs one of the public data sets where it is absent.
#define COTERIE_NEED_DATA(relative)                                           \
  if (!std::filesystem::exists(coterie::testing::shared_data() / (relative))) \
  GTEST_SKIP() << "needs " << (coterie::testing::shared_data() / (relative)).string()

#define EXPECT_CONTAINS(text, part)                          \
  EXPECT_NE(std::string(text).find(part), std::string::npos) \
      << "'" << (text) << "' does not contain '" << (part) << "'"
