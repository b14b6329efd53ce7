#include "coterie/data/truth_folders.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

using Paths = std::vector<std::string>;

TEST(TruthFolders, FirstLevelNamesTheClass) {
  EXPECT_EQ(truth_folder_of({"cat/1.jpg", "dog/old/2.jpg"}), (Paths{"cat", "dog"}));
}

TEST(TruthFolders, SecondLevelWhereTheFirstIsASplit) {
  EXPECT_EQ(truth_folder_of({"train/cat/1.jpg", "Val/dog/2.jpg", "test/cat/3.jpg"}),
            (Paths{"cat", "dog", "cat"}));
}

TEST(TruthFolders, OneFolderThatIsNoSplitKeepsTheFirstLevel) {
  EXPECT_EQ(truth_folder_of({"train/cat/1.jpg", "trains/dog/2.jpg"}), (Paths{"train", "trains"}));
}

TEST(TruthFolders, SplitsWithoutAnyDeeperFolderAreTheClasses) {
  EXPECT_EQ(truth_folder_of({"train/1.jpg", "test/2.jpg"}), (Paths{"train", "test"}));
}

TEST(TruthFolders, APathWithoutFolderHasNoClass) {
  EXPECT_EQ(truth_folder_of({"1.jpg", "cat/2.jpg"}), (Paths{"", "cat"}));
  EXPECT_EQ(truth_folder_of({"train/cat/1.jpg", "test/2.jpg"}), (Paths{"cat", ""}));
}

}  // namespace
}  // namespace coterie
