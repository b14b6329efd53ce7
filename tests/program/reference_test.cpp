// The reference in docs/reference is what the program says of itself.
#include <gtest/gtest.h>

#include "coterie/core/files.h"
#include "program/program.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

#if defined(COTERIE_IMAGES) && defined(COTERIE_WEB)
TEST(ReferenceCommand, WritesWhatTheDocumentationHolds) {
  Program program;
  ASSERT_EQ(program.run({"reference", "written"}).code, 0);
  const auto docs = std::filesystem::path(COTERIE_SOURCE_DIR) / "docs" / "reference";
  for (const char* page : {"commands.md", "methods.md", "files.md"})
    EXPECT_TRUE(program.read(std::string("written/") + page) == read_file(docs / page))
        << page << " is out of date: run `coterie reference docs/reference`";
}
#endif

TEST(ReferenceCommand, NamesEveryFileOfARun) {
  Program program;
  program.write("toy.csv", toy_csv(120));
  const auto cluster = [&](const std::string& method, const std::string& run) {
    return program
        .run({"cluster", "toy.csv", "--label-column", "kind", "-k", "3", "--method", method,
              "--out", run})
        .code;
  };
  ASSERT_EQ(cluster("agglomerative", "merged"), 0);
  ASSERT_EQ(cluster("finch", "linked"), 0);
  for (const char* command : {"map", "duplicates", "outliers"})
    ASSERT_EQ(program.run({command, "linked"}).code, 0) << command;
  ASSERT_EQ(program.run({"reference", "written"}).code, 0);
  const std::string files = program.read("written/files.md");
  int seen = 0;
  for (const char* run : {"merged", "linked"})
    for (const auto& entry : std::filesystem::directory_iterator(program.file(run))) {
      EXPECT_CONTAINS(files, "| `" + entry.path().filename().string() + "` |");
      ++seen;
    }
  EXPECT_GE(seen, 15);
}

}  // namespace
}  // namespace coterie
