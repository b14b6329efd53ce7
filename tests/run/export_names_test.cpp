#include "coterie/run/export_names.h"

#include <gtest/gtest.h>

#include <set>

#include "coterie/core/sha256.h"

namespace coterie {
namespace {

using Names = std::vector<std::string>;

TEST(ExportNames, FoldersHaveAsManyDigitsAsTheLargestNeeds) {
  EXPECT_EQ(cluster_folder_name(3, 10), "cluster-03");
  EXPECT_EQ(cluster_folder_name(99, 100), "cluster-99");
  EXPECT_EQ(cluster_folder_name(3, 101), "cluster-003");
}

TEST(ExportNames, FoldersCarryTheNamesOfClusters) {
  EXPECT_EQ(cluster_folder_name(3, 10, "cats and dogs"), "cluster-03-cats and dogs");
  EXPECT_EQ(cluster_folder_name(3, 10, "../a/b\n?"), "cluster-03-.._a_b__");
  EXPECT_EQ(cluster_folder_name(3, 10, "etc. "), "cluster-03-etc");
  EXPECT_EQ(cluster_folder_name(3, 10,
                                "Stra\xc3\x9f"
                                "e"),
            "cluster-03-Stra\xc3\x9f"
            "e");
  std::string long_name;
  for (int i = 0; i < 100; ++i) long_name += "\xe4\xb8\x96";  // 300 bytes
  const std::string folder = cluster_folder_name(0, 2, long_name);
  EXPECT_EQ(folder, "cluster-00-" + long_name.substr(0, 243));  // whole characters within 255
}

TEST(ExportNames, NamesThatDoNotCollideStay) {
  EXPECT_EQ(names_in_folder({"a/x.jpg", "b/y.jpg", "z"}), (Names{"x.jpg", "y.jpg", "z"}));
  EXPECT_EQ(names_in_folder({"a/X.jpg", "a/x.jpg"}), (Names{"X.jpg", "x.jpg"}));
}

TEST(ExportNames, EqualNamesTakeTheDigestOfTheirPath) {
  const std::string first = "x-" + sha256_hex("a/x.jpg").substr(0, 8) + ".jpg";
  const std::string second = "x-" + sha256_hex("b/x.jpg").substr(0, 8) + ".jpg";
  EXPECT_EQ(names_in_folder({"a/x.jpg", "b/y.jpg", "b/x.jpg"}), (Names{first, "y.jpg", second}));
  // The order of the rows and further files change nothing.
  EXPECT_EQ(names_in_folder({"b/x.jpg", "c/z.jpg", "a/x.jpg"}), (Names{second, "z.jpg", first}));
}

TEST(ExportNames, AMarkThatIsTakenGrows) {
  const std::string digest = sha256_hex("a/x.jpg");
  const Names names =
      names_in_folder({"a/x.jpg", "b/x.jpg", "c/x-" + digest.substr(0, 8) + ".jpg"});
  EXPECT_EQ(names[0], "x-" + digest.substr(0, 9) + ".jpg");
  EXPECT_EQ(names[2], "x-" + digest.substr(0, 8) + ".jpg");
}

TEST(ExportNames, LongNamesAreCutBetweenCharacters) {
  std::string umlauts;
  for (int i = 0; i < 125; ++i) umlauts += "\u00fc";  // two bytes each
  const std::string name = umlauts + ".jpeg";         // the longest there is: 255 bytes
  ASSERT_EQ(name.size(), 255u);
  const Names names = names_in_folder({"a/" + name, "b/" + name});
  EXPECT_NE(names[0], names[1]);
  for (const auto& each : names) {
    EXPECT_LE(each.size(), 255u);
    EXPECT_TRUE(each.ends_with(".jpeg"));
    // 255 - 9 - 5 bytes leave 241 for the stem; half a character is dropped.
    EXPECT_EQ(each.substr(0, 241), umlauts.substr(0, 240) + "-");
  }
  const std::string bytes(255, '\xe9');  // no UTF-8, no extension
  for (const auto& each : names_in_folder({"a/" + bytes, "b/" + bytes}))
    EXPECT_EQ(each.size(), 255u);
}

TEST(ExportNames, NamesWithoutAStemOrExtension) {
  const Names names = names_in_folder({"a/.jpg", "b/.jpg", "a/no", "b/no"});
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 4u);
  EXPECT_TRUE(names[0].starts_with(".jpg-"));
  EXPECT_TRUE(names[2].starts_with("no-"));
}

}  // namespace
}  // namespace coterie
