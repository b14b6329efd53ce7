#include "coterie/report/side_by_side.h"

#include "coterie/core/files.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

/// Runs with these labels on the same images.
SideBySide sides_of(const std::filesystem::path& folder,
                    const std::vector<std::vector<std::int32_t>>& labels, bool images = true) {
  SideBySide sides;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    LoadedRun run = images ? image_run(folder, labels[r]) : feature_run(folder, labels[r]);
    SideRun side{.name = fmt::format("runs/{}", r),
                 .manifest = run.manifest,
                 .metrics = {{"seconds", 12.5}},
                 .clusters = run.clusters,
                 .labels = labels[r]};
    for (const auto& row : run.rows) side.confidences.push_back(row.confidence);
    sides.runs.push_back(std::move(side));
    sides.dataset = std::move(run.dataset);
  }
  compare_labels(sides, CancelToken());
  return sides;
}

TEST(SideBySide, ClustersOfOtherNumbersAreTheSameClusters) {
  TemporaryFolder folder;
  const SideBySide sides = sides_of(folder.path(), {{0, 0, 1, 1, 2}, {2, 2, 0, 0, 1}});
  EXPECT_EQ(sides.runs[1].match_of, (std::vector<std::int32_t>{1, 2, 0}));
  EXPECT_EQ(sides.runs[1].matched, sides.runs[0].labels);
  EXPECT_TRUE(sides.differ.empty());
  EXPECT_DOUBLE_EQ(sides.nmi(0, 1), 1);
  EXPECT_DOUBLE_EQ(sides.ari(0, 1), 1);
  EXPECT_DOUBLE_EQ(sides.same(0, 1), 1);
}

TEST(SideBySide, FiguresAreThoseWorkedOutByHand) {
  TemporaryFolder folder;
  // Row 3 went over to the other cluster.
  const SideBySide sides =
      sides_of(folder.path(), {{0, 0, 0, 1, 1, 1}, {1, 1, 1, 1, 0, 0}, {0, 0, 0, 1, 1, 1}});
  EXPECT_DOUBLE_EQ(sides.same(0, 1), 5.0 / 6);
  EXPECT_DOUBLE_EQ(sides.same(1, 0), 5.0 / 6);
  EXPECT_DOUBLE_EQ(sides.same(0, 2), 1);
  EXPECT_DOUBLE_EQ(sides.same(1, 1), 1);
  // Pairs in common: C(3,2) + C(2,2) = 4; of A 6, of B 6 + 1 = 7, of all 15:
  // (4 - 42 / 15) / (6.5 - 42 / 15).
  EXPECT_NEAR(sides.ari(0, 1), (4 - 2.8) / (6.5 - 2.8), 1e-12);
  EXPECT_EQ(sides.differ, (std::vector<std::int64_t>{3}));
}

TEST(SideBySide, ClustersLeftOverHaveNumbersOfTheirOwn) {
  TemporaryFolder folder;
  const SideBySide sides = sides_of(folder.path(), {{0, 0, 0, 1, 1}, {2, 2, 0, 1, 1}});
  EXPECT_EQ(sides.runs[1].match_of, (std::vector<std::int32_t>{2, 1, 0}));
  EXPECT_EQ(sides.differ, (std::vector<std::int64_t>{2}));
  // The other way round the cluster of A that two share is matched to the larger part.
  const SideBySide back = sides_of(folder.path(), {{2, 2, 0, 1, 1}, {0, 0, 0, 1, 1}});
  EXPECT_EQ(back.runs[1].match_of, (std::vector<std::int32_t>{2, 1}));
}

TEST(SideBySide, WhatTheRunsAreSurestOfComesFirst) {
  TemporaryFolder folder;
  SideBySide sides = sides_of(folder.path(), {{0, 0, 0, 0, 1, 1, 1, 1}, {0, 0, 1, 0, 1, 0, 1, 1}});
  for (auto& run : sides.runs) run.confidences.assign(8, 0.5f);
  sides.runs[1].confidences[4] = 0.9f;
  sides.runs[1].confidences[5] = 0.8f;
  sides.runs[0].confidences[2] = 0.6f;
  compare_labels(sides, CancelToken());
  EXPECT_EQ(sides.differ, (std::vector<std::int64_t>{5, 2}));
}

TEST(SideBySide, ThePageHasTableSizesAgreementAndDifferences) {
  TemporaryFolder folder;
  SideBySide sides = sides_of(folder.path(), {{0, 0, 0, 1, 1, 1}, {1, 1, 1, 1, 0, 0}});
  sides.runs[1].name = "<b>run</b>";
  sides.dataset.truth = {0, 0, 0, 1, 1, 1};
  const auto path = write_side_by_side(sides, folder / "out", CancelToken());
  EXPECT_EQ(path, folder / "out/index.html");
  const std::string page = read_file(path);
  EXPECT_CONTAINS(page, "<h1>2 runs on 6 images</h1>");
  EXPECT_CONTAINS(page, "<strong>B</strong> &lt;b&gt;run&lt;/b&gt;</th><td>pac</td>");
  // ACC of B is 5 of 6.
  EXPECT_CONTAINS(section_of(page, "runs"), "<td class=\"number\">0.833</td>");
  EXPECT_CONTAINS(section_of(page, "runs"), "<td class=\"number\">12.5</td>");
  EXPECT_CONTAINS(section_of(page, "sizes"), "Sizes of the clusters of run B, from 4 down to 2");
  // B's cluster 1 is A's 0, and has its colour.
  EXPECT_CONTAINS(section_of(page, "sizes"), "<rect class=\"c1\" x=\"0.00\" y=\"60.00\"");
  EXPECT_CONTAINS(section_of(page, "sizes"), "<rect class=\"c0\" x=\"180.00\" y=\"0.00\"");
  EXPECT_CONTAINS(section_of(page, "agreement"),
                  "<tr><th scope=\"row\">A</th><td class=\"h9\">1.000</td><td "
                  "class=\"h7\">0.833</td></tr>");
  const std::string differences = section_of(page, "differences");
  EXPECT_CONTAINS(differences, "The runs differ on 1 image of 6.");
  const auto images = images_in(differences);
  ASSERT_EQ(images.size(), 1u);
  EXPECT_EQ(images[0].alt, "image-3.png");
  EXPECT_CONTAINS(differences,
                  "<span><span class=\"swatch c1\"></span>A 1</span><span><span class=\"swatch "
                  "c0\"></span>B 1</span>");
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(SideBySide, ShowsTheFirst200Differences) {
  TemporaryFolder folder;
  // Two clusters that are turned into two others across: half of all differ under any matching.
  std::vector<std::int32_t> a, b;
  for (int i = 0; i < 800; ++i) {
    a.push_back(i % 2);
    b.push_back(i / 2 % 2);
  }
  for (const bool images : {true, false}) {
    const SideBySide sides = sides_of(folder.path(), {a, b}, images);
    EXPECT_EQ(sides.differ.size(), 400u);
    const std::string page = read_file(write_side_by_side(sides, folder / "out", CancelToken()));
    const std::string differences = section_of(page, "differences");
    EXPECT_CONTAINS(differences, "Here are the first 200.");
    EXPECT_EQ(images_in(differences).size(), images ? 200u : 0u);
  }
}

TEST(SideBySide, APageOfSomeoneElseIsLeftAlone) {
  TemporaryFolder folder;
  const SideBySide sides = sides_of(folder.path(), {{0, 1}, {1, 0}});
  write_file(folder / "index.html", "mine");
  EXPECT_CONTAINS(user_error_of([&] { write_side_by_side(sides, folder.path(), CancelToken()); }),
                  "is no page that coterie wrote");
  EXPECT_EQ(read_file(folder / "index.html"), "mine");
  write_side_by_side(sides, folder / "out", CancelToken());
  EXPECT_CONTAINS(read_file(write_side_by_side(sides, folder / "out", CancelToken())),
                  "None: after matching");
}

TEST(SideBySide, NeedsTwoRuns) {
  Progress progress;
  EXPECT_CONTAINS(user_error_of([&] { open_side_by_side({"a"}, progress, CancelToken()); }),
                  "needs two or more run folders, 1 was given");
}

}  // namespace
}  // namespace coterie
