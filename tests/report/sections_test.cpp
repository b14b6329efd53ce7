#include "coterie/report/sections.h"

#include <cmath>

#include "coterie/report/line_chart.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using nlohmann::json;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

json epoch(const char* stage, int number, json losses, double rate) {
  return {{"stage", stage},
          {"epoch", number},
          {"losses", std::move(losses)},
          {"seconds", 3.5},
          {"images_per_second", rate}};
}

TEST(LineChart, PutsItsPointsWhereTheAxesSay) {
  // x from 52 to 350, y from 150 (the axis' 0) to 10 (its 4).
  const std::string chart = line_chart("loss", "epoch", {{1, 4}, {2, 1}, {3, 0}});
  EXPECT_CONTAINS(chart, "points=\"52.0,10.0 201.0,115.0 350.0,150.0 \"");
  EXPECT_CONTAINS(chart,
                  "aria-label=\"loss: from 4 in epoch 1 to 0 in epoch 3, lowest 0, highest 4\"");
}

TEST(LineChart, AxisNumbersAreRound) {
  const std::string chart = line_chart("loss", "epoch", {{1, 0.0523}, {2, 0.0121}});
  for (const char* number : {">0.00<", ">0.02<", ">0.04<", ">0.06<"})
    EXPECT_CONTAINS(chart, number);
  EXPECT_EQ(count_of(chart, "class=\"grid\""), 4u);
}

TEST(LineChart, OnePointAndAFlatLineHaveAnAxisToo) {
  for (const double value : {0.0, 5.0, -3.0, 1e-12, 1e12}) {
    const std::string one = line_chart("loss", "epoch", {{1, value}});
    EXPECT_EQ(count_of(one, "nan"), 0u) << value;
    EXPECT_EQ(count_of(one, "inf"), 0u) << value;
    EXPECT_GE(count_of(one, "class=\"grid\""), 2u) << value;
    EXPECT_LE(count_of(one, "class=\"grid\""), 8u) << value;
  }
}

TEST(LineChart, ValuesThatDifferInTheirLastDigitsAreLevel) {
  for (const double value : {1.0, 0.3, -7.0, 1e9}) {
    const double next = std::nextafter(value, 1e300);
    const std::string chart = line_chart("nmi", "epoch", {{1, value}, {2, next}, {3, value}});
    EXPECT_GE(count_of(chart, "class=\"grid\""), 2u) << value;
    EXPECT_LE(count_of(chart, "class=\"grid\""), 8u) << value;
  }
}

TEST(TrainingSection, DrawsEachNumberOfEachStage) {
  const std::string html = training_section(
      {epoch("pretrain", 1, {{"pixels", 0.5}}, 900), epoch("pretrain", 2, {{"pixels", 0.25}}, 1000),
       epoch("cluster", 1, {{"pixels", 0.2}, {"pairs", 0.7}}, 800)},
      json::object());
  EXPECT_CONTAINS(html, "<h3>Stage: pretrain</h3>");
  EXPECT_CONTAINS(html, "<h3>Stage: cluster</h3>");
  EXPECT_EQ(count_of(html, "class=\"chart\""), 5u);
  EXPECT_CONTAINS(html, "pixels: from 0.5 in epoch 1 to 0.25 in epoch 2");
  EXPECT_CONTAINS(html, "images per second: from 900 in epoch 1 to 1,000 in epoch 2");
  EXPECT_CONTAINS(html, "pairs: from 0.7 in epoch 1 to 0.7 in epoch 1");
  EXPECT_EQ(html.find("<figcaption>seconds"), std::string::npos);
  EXPECT_LT(html.find("<figcaption>pixels"), html.find("<figcaption>images per second"));
}

TEST(TrainingSection, TheLaterLineOfAnEpochCounts) {
  const std::string html =
      training_section({epoch("a", 1, {{"x", 8.0}}, 5), epoch("a", 2, {{"x", 4.0}}, 5),
                        epoch("a", 2, {{"x", 3.0}}, 5)},
                       json::object());
  EXPECT_CONTAINS(html, "x: from 8 in epoch 1 to 3 in epoch 2, lowest 3, highest 8");
}

TEST(TrainingSection, ATotalOfOneTermIsDrawnOnce) {
  const std::string html =
      training_section({epoch("a", 1, {{"reconstruction", 0.5}, {"total", 0.5}}, 7),
                        epoch("a", 2, {{"reconstruction", 0.4}, {"total", 0.4}}, 8)},
                       json::object());
  EXPECT_CONTAINS(html, "<figcaption>reconstruction");
  EXPECT_EQ(html.find("<figcaption>total"), std::string::npos);
}

TEST(ClusterCountSection, ShowsReasonAndACurveForEachFigure) {
  const json statistics = {{"cluster_count",
                            {{"k", 3},
                             {"reason", "K = 3 <stands> apart"},
                             {"curve",
                              {{{"k", 2}, {"silhouette", 0.25}, {"gap", 1.0}},
                               {{"k", 3}, {"silhouette", 0.5}, {"gap", 2.0}}}}}}};
  const std::string html = cluster_count_section(statistics);
  EXPECT_CONTAINS(html, "K = 3 &lt;stands&gt; apart.");
  EXPECT_CONTAINS(html, "silhouette: how far apart the clusters lie");
  EXPECT_CONTAINS(html, "gap: how much tighter");
  EXPECT_EQ(html.find("stability"), std::string::npos);
  EXPECT_EQ(cluster_count_section({{"objective", 1.0}}), "");
}

TEST(TrainingSection, RestartsAreATableThatMarksTheOneKept) {
  const json statistics = {{"chosen_restart", 1},
                           {"restarts",
                            {{{"converged", true}, {"objective", 1.1086e11}, {"sweeps", 40}},
                             {{"converged", false}, {"objective", 1.1004e11}, {"sweeps", 100}}}}};
  const std::string html = training_section({}, statistics);
  EXPECT_CONTAINS(
      html,
      "<tr class=\"kept\"><th scope=\"row\">2 – kept</th><td class=\"number\">1.1004e+11"
      "</td><td class=\"number\">no</td><td class=\"number\">100</td></tr>");
  EXPECT_CONTAINS(html,
                  "<tr><th scope=\"row\">1</th><td class=\"number\">1.1086e+11</td>"
                  "<td class=\"number\">yes</td><td class=\"number\">40</td></tr>");
  // A method may keep them in an object of its own.
  EXPECT_EQ(training_section({}, {{"clustering", statistics}}), html);
}

TEST(TrainingSection, EnsemblesAreATableAndDamagedOnesAreLeftOut) {
  const json scores = json::array({json{{"acc", 0.5}}, json{{"acc", 0.75}}});
  const json line = {{"stage", "consensus"},
                     {"epoch", 1},
                     {"passes", 3},
                     {"bases_nmi_to_each_other", 0.61},
                     {"consensus_nmi_to_bases", 0.72},
                     {"consensus_scores", {{"acc", 0.8}}},
                     {"head_scores", {{"acc", 0.7}, {"classes", 10}}},
                     {"bases",
                      {{"alpha", {0.4, 0.6}},
                       {"scores", scores},
                       {"origin", {"given", "own"}},
                       {"nmi_to_others", {0.31, 0.32}},
                       {"nmi_to_consensus", {0.51, 0.52}},
                       {"losses_of_passes", {3.5, 2.5, 2.25}}}}};
  const std::string html = training_section({line}, json::object());
  EXPECT_CONTAINS(html, "<h3>Ensembles</h3>");
  for (const char* cell :
       {">0.610<", ">0.720<", ">0.400 – 0.600<", ">3<", ">0.500 – 0.750<", ">0.800<"})
    EXPECT_CONTAINS(html, cell);
  // Each base clustering, and the loss of each pass.
  EXPECT_CONTAINS(html,
                  "<th scope=\"row\">2, own</th><td class=\"number\">0.600</td><td "
                  "class=\"number\">0.320</td><td class=\"number\">0.520</td><td "
                  "class=\"number\">0.750</td>");
  EXPECT_CONTAINS(html, "loss of the consensus");
  EXPECT_CONTAINS(html, "consensus scores acc");
  EXPECT_CONTAINS(html, "head scores acc");
  EXPECT_EQ(html.find("classes"), std::string::npos);
  for (const char* key : {"nmi_to_others", "origin", "losses_of_passes"}) {
    json partial = line;
    partial["bases"][key] = 3;
    EXPECT_CONTAINS(training_section({partial}, json::object()), "<h3>Ensembles</h3>");
  }
  for (const char* key : {"passes", "bases"}) {
    json damaged = line;
    damaged[key] = "x";
    EXPECT_EQ(training_section({damaged}, json::object()).find("Ensembles"), std::string::npos);
  }
}

TEST(TrainingSection, IsAbsentWhereNothingWasRecorded) {
  EXPECT_EQ(training_section({}, json::object()), "");
  EXPECT_EQ(training_section({{{"objective", 3}}, {{"stage", 5}, {"epoch", 1}}}, json::object()),
            "");
}

TEST(LeftOutSection, SaysWhereAllFilesWereUsedAndWhatElseIsMissing) {
  const std::string html = left_out_section({}, {"<b>The map</b>: none."});
  EXPECT_CONTAINS(html, "<li>No file: every input was used.</li>");
  EXPECT_CONTAINS(html, "<li><b>The map</b>: none.</li>");
  EXPECT_EQ(html.find("<table"), std::string::npos);
}

TEST(LeftOutSection, ListsFilesWithTheirCauses) {
  const std::string html = left_out_section({{"a.jpg", "the file is empty"}}, {});
  EXPECT_CONTAINS(html, "1 file could not be used. bad_files.csv");
  EXPECT_CONTAINS(html, "<tr><th scope=\"row\">a.jpg</th><td>the file is empty</td></tr>");
}

TEST(LeftOutSection, ListsTheFirst200OfMany) {
  std::vector<BadFile> files;
  for (int i = 0; i < 1234; ++i) files.push_back({fmt::format("{}.jpg", i), "no image"});
  const std::string html = left_out_section(files, {});
  EXPECT_CONTAINS(html, "1,234 files could not be used; here are the first 200");
  EXPECT_EQ(count_of(html, "<td>no image</td>"), 200u);
  EXPECT_CONTAINS(html, ">199.jpg<");
  EXPECT_EQ(html.find(">200.jpg<"), std::string::npos);
}

TEST(HeadAndSettings, SayWhatWasClusteredAndHow) {
  testing::TemporaryFolder folder;
  LoadedRun run = testing::image_run(folder.path(), testing::even_labels(3, 2), {3, 32, 48});
  run.dataset.bad_files.resize(7);
  run.metrics["statistics"] = {{"objective", 12.5}};
  const RunSummary summary = summarize(run, CancelToken());
  EXPECT_EQ(page_title(summary), "photos: 6 images in 3 clusters");
  const std::string head = head_section(summary);
  EXPECT_CONTAINS(head, "<dt>Form</dt><dd>48 × 32 pixels, colour</dd>");
  EXPECT_CONTAINS(head, "<dt>Method</dt><dd>pac</dd>");
  EXPECT_CONTAINS(head, "<dt>K</dt><dd>3</dd>");
  EXPECT_CONTAINS(head, "<dt>Seed</dt><dd>42</dd>");
  EXPECT_CONTAINS(head, "<dt>Time</dt><dd>4.2 s</dd>");
  EXPECT_CONTAINS(head, "<dt>coterie</dt><dd>9.8.7</dd>");
  EXPECT_CONTAINS(head, "<a href=\"#left-out\">7 files</a>");
  const std::string settings = settings_section(summary);
  EXPECT_CONTAINS(settings, "<code>coterie cluster photos -k 3</code>");
  EXPECT_CONTAINS(settings, "<dt>m</dt><dd>1.03</dd>");
  EXPECT_CONTAINS(settings, "<dt>block_rows</dt><dd>64</dd>");
  EXPECT_CONTAINS(settings, "<dt>objective</dt><dd>12.5</dd>");
  EXPECT_CONTAINS(settings, "<dt>fit</dt><dd>2.50 s</dd>");
  EXPECT_CONTAINS(settings, "<dt>device</dt><dd>cpu</dd>");
  EXPECT_CONTAINS(settings, "<dt>threads</dt><dd>2</dd>");
  EXPECT_CONTAINS(settings, "<dt>coterie</dt><dd>9.8.7</dd>");
  EXPECT_CONTAINS(settings, "<code>f00d</code>");
}

}  // namespace
}  // namespace coterie
