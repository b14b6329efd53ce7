#include "coterie/report/report_files.h"

#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;

TEST(ReportFiles, ANewFolderTakesThePlaceOfEarlierOnesOnceItIsKept) {
  TemporaryFolder report;
  std::filesystem::create_directory(report / "files-x");
  write_file(report / "files-12", "a file of that name");
  {
    ReportFiles first(report.path());
    EXPECT_EQ(first.name(), "files-1");
    write_file(first.path() / "a.png", "picture");
    first.keep();
  }
  ReportFiles second(report.path());
  EXPECT_EQ(second.name(), "files-2");
  write_file(second.path() / "a.png", "another");
  EXPECT_EQ(read_file(report / "files-1/a.png"), "picture");
  second.keep();
  EXPECT_FALSE(std::filesystem::exists(report / "files-1"));
  EXPECT_EQ(read_file(report / "files-2/a.png"), "another");
  EXPECT_TRUE(std::filesystem::exists(report / "files-x"));
  EXPECT_TRUE(std::filesystem::exists(report / "files-12"));
}

TEST(ReportFiles, WithoutKeepingItIsAsIfNothingHadBeen) {
  TemporaryFolder report;
  std::filesystem::create_directory(report / "files-4");
  { ReportFiles files(report.path()); }
  EXPECT_TRUE(std::filesystem::exists(report / "files-4"));
  EXPECT_FALSE(std::filesystem::exists(report / "files-5"));
}

TEST(ReportFiles, AnEmptyFolderIsNotKept) {
  TemporaryFolder report;
  {
    ReportFiles files(report.path());
    files.keep();
  }
  EXPECT_TRUE(std::filesystem::is_empty(report.path()));
}

}  // namespace
}  // namespace coterie
