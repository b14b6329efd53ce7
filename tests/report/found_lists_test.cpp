#include "coterie/report/found_lists.h"

#include "coterie/core/files.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

TEST(FoundLists, AreAbsentWhereNothingWasLookedFor) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), {0, 1, 0});
  EXPECT_FALSE(read_duplicates(run).has_value());
  EXPECT_FALSE(read_outliers(run, 10).has_value());
}

TEST(FoundLists, DuplicatesAreGroupedAsListed) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), even_labels(2, 5));
  rename_row(run, 3, "a, \"b\".png");
  // Columns stand in another order, and there is one more.
  write_file(run.folder.file("duplicates.csv"),
             "path,id,group,kind,similarity,more\nimage-7.png,7,5,exact,1,x\n"
             "image-1.png,1,2,near,0.97,x\nimage-2.png,2,5,exact,1.0,x\n"
             "\"a, \"\"b\"\".png\",3,2,near,0.96,x\nimage-4.png,4,2,exact,1,x\n");
  const auto groups = *read_duplicates(run);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].ids, (std::vector<std::int64_t>{7, 2}));
  EXPECT_TRUE(groups[0].exact);
  EXPECT_EQ(groups[1].ids, (std::vector<std::int64_t>{1, 3, 4}));
  EXPECT_FALSE(groups[1].exact);
  EXPECT_DOUBLE_EQ(groups[1].least_similarity, 0.96);
}

TEST(FoundLists, OutliersComeByRank) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(2, 5));
  write_file(run.folder.file("outliers.csv"),
             "id,path,label,score,rank\n4,image-4.png,0,1.5,2\n9,image-9.png,1,7.25,0\n"
             "1,image-1.png,1,3,1\n");
  const auto outliers = *read_outliers(run, 2);
  EXPECT_EQ(outliers.count, 3);
  ASSERT_EQ(outliers.first.size(), 2u);
  EXPECT_EQ(outliers.first[0].id, 9);
  EXPECT_DOUBLE_EQ(outliers.first[0].score, 7.25);
  EXPECT_EQ(outliers.first[1].id, 1);
}

TEST(FoundLists, OfAnotherRunOrDamagedAreRefused) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), {0, 1, 0});
  const auto message = [&](const std::string& text) {
    write_file(run.folder.file("duplicates.csv"), text);
    return user_error_of([&] { read_duplicates(run); });
  };
  const std::string head = "group,id,path,kind,similarity\n";
  EXPECT_CONTAINS(
      message(head + "0,1,image-2.png,near,0.9\n"),
      "line 2: id 1 is not 'image-2.png' in this run; make it again: coterie duplicates");
  EXPECT_CONTAINS(message(head + "0,3,image-3.png,near,0.9\n"), "id 3");
  EXPECT_CONTAINS(message(head + "0,-1,image-1.png,near,0.9\n"), "id -1");
  EXPECT_CONTAINS(message(head + "0,1\n"), "2 fields, expected 5");
  EXPECT_CONTAINS(message(head + "x,1,image-1.png,near,0.9\n"), "group");
  EXPECT_CONTAINS(message("group,path\n0,image-1.png\n"), "no column id");
  EXPECT_CONTAINS(message(""), "it is empty");
}

}  // namespace
}  // namespace coterie
