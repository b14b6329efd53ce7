#include "coterie/report/report.h"

#include <algorithm>
#include <set>

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "data/png_reader.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

/// Sizes 40, 20 and 5, mixed through each other.
std::vector<std::int32_t> three_clusters() {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 65; ++i) labels.push_back(i % 13 == 0 ? 2 : i % 13 < 5 ? 1 : 0);
  return labels;
}

/// Rows of a cluster in the order in which its card shall show them.
std::vector<std::int64_t> expected_order(const LoadedRun& run, std::int32_t cluster,
                                         std::size_t each) {
  std::vector<std::pair<float, std::int64_t>> rows;
  for (std::int64_t i = 0; i < run.dataset.size(); ++i)
    if (run.rows[i].label == cluster) rows.emplace_back(run.rows[i].confidence, i);
  std::sort(rows.rbegin(), rows.rend());
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < std::min(each, rows.size()); ++i) order.push_back(rows[i].second);
  for (std::size_t i = rows.size(); i > each && i > rows.size() - std::min(each, rows.size()); --i)
    order.push_back(rows[i - 1].second);
  return order;
}

void expect_images_under_their_names(const LoadedRun& run, std::size_t each) {
  const std::string page = page_of(run);
  const ImageShape& shape = run.dataset.shape;
  for (std::int32_t k = 0; k < run.clusters; ++k) {
    const auto shown = images_in(card_of(page, k));
    const auto expected = expected_order(run, k, each);
    ASSERT_EQ(shown.size(), expected.size()) << "cluster " << k;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const std::int64_t row = expected[i];
      EXPECT_EQ(shown[i].alt, run.dataset.paths[row]);
      EXPECT_EQ(shown[i].title, run.dataset.paths[row]);
      EXPECT_EQ(shown[i].confidence, fmt::format("{:.3f}", run.rows[row].confidence));
      const PngImage picture = read_png(shown[i].png);
      ASSERT_EQ(picture.width, shape.width);
      ASSERT_EQ(picture.height, shape.height);
      ASSERT_EQ(picture.channels, shape.channels);
      const std::uint8_t* pixels = run.dataset.pixels + row * shape.pixels();
      for (std::int64_t c = 0; c < shape.channels; ++c)
        for (std::int64_t p = 0; p < shape.height * shape.width; ++p)
          ASSERT_EQ(picture.pixels[p * shape.channels + c],
                    pixels[c * shape.height * shape.width + p])
              << shown[i].alt << ", channel " << c << ", pixel " << p;
    }
  }
}

TEST(Report, EachImageStandsUnderItsOwnName) {
  TemporaryFolder folder;
  expect_images_under_their_names(image_run(folder.path(), three_clusters()), 12);
  expect_images_under_their_names(image_run(folder.path(), three_clusters(), {3, 6, 9}), 12);
}

TEST(Report, ClustersOfOtherSizesShowNoImageTwice) {
  TemporaryFolder folder;
  for (const std::int64_t size : {1, 2, 11, 12, 13, 23, 24, 25}) {
    const LoadedRun run = image_run(folder.path(), even_labels(2, size));
    expect_images_under_their_names(run, 12);
    std::set<std::string> names;
    const auto shown = images_in(card_of(page_of(run), 0));
    for (const auto& image : shown) names.insert(image.alt);
    EXPECT_EQ(names.size(), std::min<std::size_t>(size, 24)) << size;
    EXPECT_EQ(shown.size(), names.size());
  }
}

TEST(Report, ManyClustersShowFewerImages) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(150, 14), {1, 4, 4});
  expect_images_under_their_names(run, 6);
  EXPECT_CONTAINS(section_of(page_of(run), "clusters"), "150 clusters, each shows fewer");
}

TEST(Report, BeyondAThousandClustersTheLargestAreShown) {
  TemporaryFolder folder;
  const std::string page = page_of(image_run(folder.path(), even_labels(1203, 2), {1, 2, 2}));
  EXPECT_CONTAINS(page, "id=\"cluster-999\"");
  EXPECT_EQ(page.find("id=\"cluster-1000\""), std::string::npos);
  EXPECT_CONTAINS(page, "the 1,000 largest of 1,203 clusters; the others hold 406 images");
}

TEST(Report, SizesAndSharesAreThoseOfTheRows) {
  TemporaryFolder folder;
  const std::string page = page_of(image_run(folder.path(), three_clusters()));
  EXPECT_CONTAINS(page, "<h1>65 images in 3 clusters</h1>");
  const std::string figures = section_of(page, "figures");
  EXPECT_CONTAINS(figures, "<span>40</span><span class=\"share\">61.5 %</span>");
  EXPECT_CONTAINS(figures, "<span>20</span><span class=\"share\">30.8 %</span>");
  EXPECT_CONTAINS(figures, "<span>5</span><span class=\"share\">7.7 %</span>");
  // Bars against the largest: 20 / 40 and 5 / 40; an even share is 65 / 3 of 40.
  EXPECT_CONTAINS(figures, "width=\"100.00%\"");
  EXPECT_CONTAINS(figures, "width=\"50.00%\"");
  EXPECT_CONTAINS(figures, "width=\"12.50%\"");
  EXPECT_CONTAINS(figures, "x1=\"54.17%\"");
  EXPECT_CONTAINS(figures, "Largest 40, smallest 5. The dashed line is an even share, 22.");
  EXPECT_CONTAINS(card_of(page, 1), "<dt>Images</dt><dd>20</dd>");
  EXPECT_CONTAINS(card_of(page, 1), "<dt>Share</dt><dd>30.8 %</dd>");
}

TEST(Report, MeanConfidenceIsTheMeanOfTheCluster) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), {0, 0, 0, 1});
  const float confidences[] = {0.5f, 0.75f, 1.0f, 0.25f};
  const std::int64_t ranks[] = {2, 1, 0, 0};
  for (int i = 0; i < 4; ++i) {
    run.rows[i].confidence = confidences[i];
    run.rows[i].rank = ranks[i];
  }
  const std::string page = page_of(run);
  EXPECT_CONTAINS(card_of(page, 0), "<dt>Mean confidence</dt><dd>0.750</dd>");
  EXPECT_CONTAINS(card_of(page, 1), "<dt>Mean confidence</dt><dd>0.250</dd>");
}

TEST(Report, AnEmptyClusterIsSaidToBeEmpty) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), {0, 0, 1});
  run.clusters = 3;
  const std::string page = page_of(run);
  EXPECT_CONTAINS(section_of(page, "figures"), "1 cluster is empty");
  EXPECT_CONTAINS(card_of(page, 2), "Empty: nothing was put here");
  EXPECT_TRUE(images_in(card_of(page, 2)).empty());
}

TEST(Report, ScoresAndConfusionAreThoseWorkedOutByHand) {
  TemporaryFolder folder;
  // Cluster 0 holds 3 b and 1 a; cluster 1 holds 2 a; cluster 2 one b.
  LoadedRun run = image_run(folder.path(), {0, 0, 0, 0, 1, 1, 2});
  give_truth(run, {1, 1, 1, 0, 0, 0, 1});
  const std::string page = page_of(run);
  const std::string figures = section_of(page, "figures");
  EXPECT_CONTAINS(figures, "<dt>ACC</dt><dd><strong>0.714</strong>");     // 5 / 7
  EXPECT_CONTAINS(figures, "<dt>Purity</dt><dd><strong>0.857</strong>");  // 6 / 7
  // Pairs: 4 in both, 7 in clusters, 9 in classes, 21 in all: (4 - 3) / (8 - 3).
  EXPECT_CONTAINS(figures, "<dt>ARI</dt><dd><strong>0.200</strong>");
  EXPECT_CONTAINS(figures, "for scoring only");
  const std::string confusion = section_of(page, "confusion");
  EXPECT_CONTAINS(confusion,
                  "<a href=\"#cluster-1\">1</a></th><th scope=\"col\"><a href=\"#cluster-0\">0</a>"
                  "</th><th scope=\"col\"><a href=\"#cluster-2\">2</a></th>");
  // Class a: 2 of 3 in cluster 1, 1 of 3 in cluster 0. Class b: 3 of 4 in cluster 0, 1 in 2.
  EXPECT_CONTAINS(
      confusion,
      "<th scope=\"row\">class-a</th><td class=\"h6 right\">2</td><td class=\"h3\">1</td>"
      "<td class=\"h0\">0</td><td class=\"sum\">3</td><td class=\"sum\">66.7 %</td>");
  EXPECT_CONTAINS(
      confusion,
      "<th scope=\"row\">class-b</th><td class=\"h0\">0</td><td class=\"h7 right\">3</td>"
      "<td class=\"h3\">1</td><td class=\"sum\">4</td><td class=\"sum\">75.0 %</td>");
  EXPECT_CONTAINS(card_of(page, 0), "class-b <span class=\"share\">(75.0 % right)</span>");
  // The one image of another class is named so, and no other.
  const std::string card = card_of(page, 0);
  EXPECT_CONTAINS(card, "<span class=\"other\" title=\"class-a\">class-a</span>");
  EXPECT_EQ(card.find("\"other\""), card.rfind("\"other\""));
}

TEST(Report, WithoutGroundTruthNothingIsScored) {
  TemporaryFolder folder;
  const std::string page = page_of(image_run(folder.path(), three_clusters()));
  EXPECT_CONTAINS(section_of(page, "figures"), "No ground truth was given");
  EXPECT_EQ(page.find("<dt>ACC</dt>"), std::string::npos);
  EXPECT_EQ(section_of(page, "confusion"), "");
  EXPECT_EQ(page.find("#confusion"), std::string::npos);
}

TEST(Report, FeaturesAreShownAsRows) {
  TemporaryFolder folder;
  LoadedRun run = feature_run(folder.path(), three_clusters());
  give_truth(run, three_clusters());
  const std::string page = page_of(run);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_CONTAINS(page, "<h1>65 rows in 3 clusters</h1>");
  EXPECT_CONTAINS(page, "3 features a row");
  for (std::int32_t k = 0; k < 3; ++k) {
    std::string expected;
    const auto order = expected_order(run, k, 12);
    const std::string card = card_of(page, k);
    std::size_t at = 0;
    for (const auto row : order) {
      const std::string line = fmt::format(
          "<tr><th scope=\"row\">table.csv#{}</th><td>class-{}</td><td "
          "class=\"number\">{:.3f}</td>",
          row, "abc"[k], run.rows[row].confidence);
      at = card.find(line, at);
      ASSERT_NE(at, std::string::npos) << line;
    }
  }
}

TEST(Report, NamesOfOtherRowsAreRefused) {
  TemporaryFolder folder;
  LoadedRun run = image_run(folder.path(), three_clusters());
  run.dataset.paths[7] = "another.png";
  const std::string message = user_error_of([&] { page_of(run); });
  EXPECT_CONTAINS(message, "row 7");
  EXPECT_CONTAINS(message, "image-7.png");
  EXPECT_CONTAINS(message, "another.png");
  EXPECT_FALSE(std::filesystem::exists(run.folder.report()));
}

TEST(Report, RowsThatDoNotFitAreRefused) {
  TemporaryFolder folder;
  const LoadedRun good = image_run(folder.path(), three_clusters());
  const auto message_of = [&](auto change) {
    LoadedRun run = good;
    change(run);
    return user_error_of([&] { page_of(run); });
  };
  EXPECT_CONTAINS(message_of([](auto& run) { run.rows[3].label = 3; }),
                  "label 3 is out of range: 0 to 2");
  EXPECT_CONTAINS(message_of([](auto& run) { run.rows[3].label = -1; }), "label -1");
  EXPECT_CONTAINS(message_of([](auto& run) { run.rows[3].rank = 1000; }), "rank 1000");
  EXPECT_CONTAINS(message_of([](auto& run) { run.rows[3].rank = -1; }), "rank -1");
  EXPECT_CONTAINS(message_of([](auto& run) {
                    for (auto& row : run.rows)
                      if (row.rank == 0) row.rank = 1;
                  }),
                  "rank 1 is out of range or there twice");
  // A rank that is there twice in the middle leaves a gap at an end.
  EXPECT_CONTAINS(message_of([](auto& run) {
                    for (auto& row : run.rows)
                      if (row.label == 0 && row.rank == 39) row.rank = 20;
                  }),
                  "cluster 0 have a gap");
  EXPECT_CONTAINS(message_of([](auto& run) { run.clusters = 0; }), "0 clusters and 65 rows");
  EXPECT_CONTAINS(message_of([](auto& run) { run.rows.pop_back(); }),
                  "holds 64 rows, its data set 65");
}

TEST(Report, ACancelledReportLeavesTheEarlierOne) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), three_clusters());
  write_file((std::filesystem::create_directory(folder / "report"), run.folder.report()),
             "earlier");
  Progress progress;
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(write_report(run, progress, cancel), Interrupted);
  EXPECT_EQ(read_file(run.folder.report()), "earlier");
  EXPECT_EQ(write_report(run, progress, CancelToken()), folder / "report/index.html");
  EXPECT_GT(read_file(run.folder.report()).size(), 10'000u);
  const std::filesystem::directory_iterator files(folder / "report");
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Report, WithAMapItHasThePicturesOfAllImagesBesideIt) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(3, 50));
  EXPECT_EQ(section_of(page_of(run), "map"), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "report/files-1"));
  give_map(run, spiral(150));
  const std::string page = page_of(run);
  EXPECT_CONTAINS(section_of(page, "map"), "\"folder\":\"files-1\"");
  EXPECT_CONTAINS(section_of(page, "map"), "Map of 150 images in 3 clusters, coloured by cluster");
  const PngImage last = read_png(read_file(folder / "report/files-1/00001.png"));
  EXPECT_EQ(last.width, 80);
  EXPECT_EQ(last.height, 40);  // 50 images in five rows of ten
  // Written again it has a folder of its own, and the earlier one is gone.
  EXPECT_CONTAINS(section_of(page_of(run), "map"), "\"folder\":\"files-2\"");
  EXPECT_FALSE(std::filesystem::exists(folder / "report/files-1"));
  EXPECT_TRUE(std::filesystem::exists(folder / "report/files-2/00001.png"));
  // Without a map nothing is left of it.
  std::filesystem::remove(run.folder.file("map.npy"));
  page_of(run);
  EXPECT_FALSE(std::filesystem::exists(folder / "report/files-2"));
}

TEST(Report, AMapThatDoesNotFitLeavesTheEarlierReport) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), even_labels(3, 50));
  give_map(run, spiral(150));
  const std::string page = page_of(run);
  give_map(run, spiral(149));
  EXPECT_CONTAINS(user_error_of([&] { page_of(run); }), "map.npy is [149, 2]");
  EXPECT_EQ(read_file(run.folder.report()), page);
  EXPECT_TRUE(std::filesystem::exists(folder / "report/files-1/00000.png"));
  EXPECT_FALSE(std::filesystem::exists(folder / "report/files-2"));
}

TEST(Report, FeaturesHaveAMapWithoutPictures) {
  TemporaryFolder folder;
  const LoadedRun run = feature_run(folder.path(), even_labels(3, 50));
  give_map(run, spiral(150));
  const std::string map = section_of(page_of(run), "map");
  EXPECT_EQ(map.find("\"tiles\""), std::string::npos);
  EXPECT_CONTAINS(map, "\"images\":false");
  EXPECT_EQ(std::filesystem::exists(folder / "report/files-1"), false);
}

TEST(Report, StaysBelow20MegabytesHoweverManyLargeColourImages) {
  TemporaryFolder folder;
  for (const auto& [clusters, size] : {std::pair(100, 24), std::pair(150, 12)}) {
    // Noise, which nothing compresses.
    const LoadedRun run = image_run(folder.path(), even_labels(clusters, size), {3, 96, 96});
    const std::string page = page_of(run);
    EXPECT_LT(page.size(), 20'000'000u) << clusters;
    EXPECT_EQ(images_in(page).size(), clusters * size);
  }
}

}  // namespace
}  // namespace coterie
