#include "coterie/core/files.h"
#include "coterie/report/left_out_notes.h"
#include "coterie/report/sections.h"
#include "report/run_maker.h"
#include "testing.h"

// Sections with the figures that papers show: classes, right and wrong, neighbours, epochs; and
// what was found or left out.

namespace coterie {
namespace {

using namespace coterie::testing;

/// Cluster 0 holds 3 b and 1 a; cluster 1 holds 2 a; cluster 2 one b.
LoadedRun scored_run(const TemporaryFolder& folder) {
  LoadedRun run = image_run(folder.path(), {0, 0, 0, 0, 1, 1, 2});
  give_truth(run, {1, 1, 1, 0, 0, 0, 1});
  return run;
}

/// Names of the images in the strip under `name`.
std::vector<std::string> strip_of(const std::string& html, const std::string& name) {
  std::vector<std::string> names;
  const std::size_t begin = html.find("<h4>" + name + "</h4>");
  if (begin == std::string::npos) return names;
  for (const auto& image : images_in(html.substr(begin, html.find("</ol>", begin) - begin)))
    names.push_back(image.alt);
  return names;
}

std::string article_of(const std::string& html, const std::string& heading) {
  const std::size_t begin = html.find("id=\"" + heading + "\"");
  return begin == std::string::npos ? ""
                                    : html.substr(begin, html.find("</article>", begin) - begin);
}

TEST(ClassesSection, HasTheSharesWorkedOutByHand) {
  TemporaryFolder folder;
  const LoadedRun run = scored_run(folder);
  const std::string html = classes_section(summarize(run, CancelToken()));
  // Class a: 2 of 3 in cluster 1, which holds nothing else; the third is in cluster 0.
  // F1 = 2 * 2 / (3 + 2).
  EXPECT_CONTAINS(html,
                  "<tr><th scope=\"row\">class-a</th><td><a href=\"#cluster-1\"><span "
                  "class=\"swatch c1\"></span>1</a></td><td class=\"number\">3</td><td "
                  "class=\"number\">66.7 %</td><td class=\"number\">100.0 %</td><td "
                  "class=\"number\">0.800</td><td><a href=\"#cluster-0\"><span class=\"swatch "
                  "c0\"></span>0</a> <span class=\"share\">(33.3 %)</span></td></tr>");
  // Class b: 3 of 4 in cluster 0, which holds 4: F1 = 6 / 8.
  EXPECT_CONTAINS(html,
                  "<td class=\"number\">4</td><td class=\"number\">75.0 %</td><td "
                  "class=\"number\">75.0 %</td><td class=\"number\">0.750</td>");
}

TEST(ClassesSection, IsAbsentWithoutGroundTruth) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), {0, 1});
  EXPECT_EQ(classes_section(summarize(run, CancelToken())), "");
  EXPECT_EQ(cases_section(summarize(run, CancelToken()), CancelToken()), "");
}

TEST(CasesSection, ShowsWhatWentRightAndWrongTheSurestFirst) {
  TemporaryFolder folder;
  LoadedRun run = scored_run(folder);
  for (int i = 0; i < 3; ++i) run.rows[i].confidence = 0.5f + 0.1f * static_cast<float>(i);
  run.rows[0].rank = 3, run.rows[1].rank = 2, run.rows[2].rank = 1;
  run.rows[3].confidence = 0.9f, run.rows[3].rank = 0;
  const std::string html = cases_section(summarize(run, CancelToken()), CancelToken());
  using Names = std::vector<std::string>;
  const std::string b = article_of(html, "case-1");
  EXPECT_CONTAINS(b, "class-b <span class=\"share\">cluster 0</span>");
  EXPECT_EQ(strip_of(b, "Right"), (Names{"image-2.png", "image-1.png", "image-0.png"}));
  EXPECT_EQ(strip_of(b, "In other clusters"), (Names{"image-6.png"}));
  EXPECT_CONTAINS(b, "<span class=\"other\">in 2</span>");
  EXPECT_EQ(strip_of(b, "Of other classes"), (Names{"image-3.png"}));
  EXPECT_CONTAINS(b, "<span class=\"other\">class-a</span>");
  const std::string a = article_of(html, "case-0");
  EXPECT_EQ(strip_of(a, "In other clusters"), (Names{"image-3.png"}));
  EXPECT_TRUE(strip_of(a, "Of other classes").empty());
}

TEST(CasesSection, ShowsSixOfEach) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), even_labels(2, 40));
  give_truth(run, even_labels(2, 40));
  const std::string html = cases_section(summarize(run, CancelToken()), CancelToken());
  EXPECT_EQ(images_in(html).size(), 12u);
}

TEST(NeighboursSection, ShowsTheNearestByEmbeddings) {
  TemporaryFolder folder;
  LoadedRun run = scored_run(folder);
  EXPECT_EQ(neighbours_section(summarize(run, CancelToken()), CancelToken()), "");
  // On a line, in the order of the rows; cluster 2 is row 6 alone.
  give_embeddings(run, {0, 1, 2, 3.5, 5, 6, 8}, 1);
  const std::string html = neighbours_section(summarize(run, CancelToken()), CancelToken());
  const std::string alone = article_of(html, "near-2");
  using Names = std::vector<std::string>;
  EXPECT_EQ(strip_of(alone, "Image"), (Names{"image-6.png"}));
  EXPECT_TRUE(strip_of(alone, "Nearest of its cluster").empty());
  EXPECT_EQ(strip_of(alone, "Nearest of others"),
            (Names{"image-5.png", "image-4.png", "image-3.png", "image-2.png", "image-1.png",
                   "image-0.png"}));
  // Rows 5, 4 and 3 are of class a, row 6 and the others of b.
  std::size_t marked = 0;
  for (std::size_t at = alone.find("\"other\""); at != std::string::npos;
       at = alone.find("\"other\"", at + 1))
    ++marked;
  EXPECT_EQ(marked, 3u);
}

TEST(SnapshotsSection, ShowsMapsInTheOrderOfTraining) {
  TemporaryFolder folder;
  const LoadedRun run = scored_run(folder);
  EXPECT_EQ(snapshots_section(summarize(run, CancelToken()), CancelToken()), "");
  const RunFolder snapshots(run.folder.snapshots());
  std::filesystem::create_directory(snapshots.path());
  write_file(snapshots.file("rows.csv"), "row,path\n1,image-1.png\n4,image-4.png\n");
  const float positions[] = {0, 0, 4, 4};
  const auto now = std::filesystem::file_time_type::clock::now();
  int written = 0;
  // As they are trained, which is not the order of their names.
  for (const char* name : {"warm_up-0002", "warm_up-0010", "cluster-0005"}) {
    snapshots.write_matrix((std::string(name) + "-map.npy").c_str(), {positions, 2, 2});
    const auto embeddings = snapshots.path() / (std::string(name) + ".npy");
    write_file(embeddings, "");
    std::filesystem::last_write_time(embeddings, now + std::chrono::seconds(written++));
  }
  const std::string html = snapshots_section(summarize(run, CancelToken()), CancelToken());
  const std::size_t first = html.find("<figcaption>warm up, epoch 2</figcaption>");
  const std::size_t second = html.find("<figcaption>warm up, epoch 10</figcaption>");
  const std::size_t third = html.find("<figcaption>cluster, epoch 5</figcaption>");
  ASSERT_NE(third, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_CONTAINS(html, "coloured by ground truth");
  // Row 1 is of class b, matched to cluster 0; row 4 of class a, matched to cluster 1.
  EXPECT_CONTAINS(html, "<path class=\"c0\" d=\"M15 985h0\"/>");
  EXPECT_CONTAINS(html, "<path class=\"c1\" d=\"M985 15h0\"/>");
  write_file(snapshots.file("rows.csv"), "row,path\n1,image-1.png\n");
  EXPECT_CONTAINS(
      user_error_of([&] { snapshots_section(summarize(run, CancelToken()), CancelToken()); }),
      "is [2, 2], expected [1, 2]");
}

TEST(SnapshotsSection, DrawsTheAccuracyOfAStageOverItsEpochs) {
  TemporaryFolder folder;
  LoadedRun run = scored_run(folder);
  const RunFolder snapshots(run.folder.snapshots());
  std::filesystem::create_directory(snapshots.path());
  write_file(snapshots.file("rows.csv"), "row,path\n1,image-1.png\n4,image-4.png\n");  // b and a
  const float together[] = {1, 0, 1, 0}, apart[] = {0, 1, 1, 0};
  const auto write = [&](const std::string& name, const float* probabilities) {
    write_file(snapshots.path() / (name + ".npy"), "");
    snapshots.write_matrix((name + "-probabilities.npy").c_str(), {probabilities, 2, 2});
  };
  write("cluster-0001", together);
  const auto section = [&] {
    return snapshots_section(summarize(run, CancelToken()), CancelToken());
  };
  EXPECT_EQ(section(), "");  // one point is no curve
  write("cluster-0004", apart);
  const std::string html = section();
  EXPECT_CONTAINS(html, "ACC, cluster");
  EXPECT_CONTAINS(html, "Accuracy of the clusters that 2 images had");
  EXPECT_CONTAINS(html, "0.5");
  run.dataset.truth.clear();
  EXPECT_EQ(section(), "");
}

TEST(DuplicatesSection, ShowsGroupsAndHowMany) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(2, 100));
  const RunSummary summary = summarize(run, CancelToken());
  std::vector<DuplicateGroup> groups;
  for (std::int64_t g = 0; g < 60; ++g) groups.push_back({true, 1, {2 * g, 2 * g + 1}});
  groups[0] = {false, 0.975, {5, 3, 9, 7, 1, 11, 13, 15, 17, 19}};
  const std::string html = duplicates_section(summary, groups);
  EXPECT_CONTAINS(html, "128 images in 60 groups are equal or nearly so");
  EXPECT_CONTAINS(html, "Here are the first 50 groups.");
  using Names = std::vector<std::string>;
  // Eight of ten.
  EXPECT_EQ(strip_of(html, "10 images, similarity 0.9750 or more"),
            (Names{"image-5.png", "image-3.png", "image-9.png", "image-7.png", "image-1.png",
                   "image-11.png", "image-13.png", "image-15.png"}));
  EXPECT_EQ(images_in(html).size(), 8u + 49 * 2);
  EXPECT_CONTAINS(duplicates_section(summary, {}), "No two are equal");
}

TEST(OutliersSection, ShowsScoresAndClusters) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(2, 10));
  const RunSummary summary = summarize(run, CancelToken());
  const std::string html = outliers_section(summary, {17, {{7, 3.25}, {2, 1.5}}});
  EXPECT_CONTAINS(html, "The 2 images least like those around them");
  EXPECT_CONTAINS(html, "outliers.csv lists 17");
  const auto images = images_in(html);
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0].alt, "image-7.png");
  EXPECT_CONTAINS(html, "<span>3.250</span><span>in 1</span>");
  EXPECT_CONTAINS(html, "<span>1.500</span><span>in 0</span>");
}

TEST(FoundSections, OfFeaturesAreTables) {
  TemporaryFolder folder;
  const LoadedRun run = feature_run(folder.path(), even_labels(2, 10));
  const RunSummary summary = summarize(run, CancelToken());
  EXPECT_CONTAINS(duplicates_section(summary, {{true, 1, {3, 4}}}),
                  "<th scope=\"row\" class=\"number\">2</th><td>equal</td><td>table.csv#3, "
                  "table.csv#4</td>");
  EXPECT_CONTAINS(outliers_section(summary, {1, {{7, 3.25}}}),
                  "<th scope=\"row\">table.csv#7</th><td class=\"number\">1</td><td "
                  "class=\"number\">3.250</td>");
}

TEST(LeftOutNotes, SayWhatIsMissingAndHowToHaveIt) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(2, 10));
  const RunSummary summary = summarize(run, CancelToken());
  const auto notes = [&](const ReportParts& parts) {
    std::string all;
    for (const auto& note : left_out_notes(summary, parts)) all += note + "\n";
    return all;
  };
  const std::string path = folder.path().native();
  const std::string without = notes({});
  EXPECT_CONTAINS(without, "no ground truth was given");
  for (const char* command : {"map", "duplicates", "outliers"})
    EXPECT_CONTAINS(without, fmt::format("<code>coterie {0} {1}</code>, then <code>coterie report "
                                         "{1}</code>",
                                         command, path));
  EXPECT_CONTAINS(without, "there are no embeddings");
  ReportParts parts;
  parts.map = MapLayout{{}, {{"placed", 1234}}, nullptr};
  parts.map_rows = {0, 1, 2};
  parts.duplicates.emplace();
  parts.outliers.emplace();
  const std::string with = notes(parts);
  EXPECT_CONTAINS(with, "Of the map 17 images: it shows 3, drawn at random.");
  EXPECT_CONTAINS(with, "1,234 images: they were placed");
  EXPECT_EQ(with.find("coterie duplicates"), std::string::npos);
}

}  // namespace
}  // namespace coterie
