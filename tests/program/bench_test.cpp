// `coterie bench` as a user runs it.
#include <gtest/gtest.h>

#include <algorithm>

#include "program/program.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

TEST(BenchCommand, RunsWhatItsFolderDoesNotHold) {
  COTERIE_NEED_DATA("pendigits/pendigits.csv");
  Program program;
  std::vector<std::string> words = {"bench",    "table2", "--data",    shared_data().string(),
                                    "--seeds",  "2",      "--method",  "k-means",
                                    "--method", "FINCH",  "--dataset", "Pendigits",
                                    "--runs",   "kept"};
  const Outcome first = program.run(words);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_CONTAINS(first.out, "### Pendigits");
  EXPECT_CONTAINS(first.out, "| k-means | 2 | 10 |");
  EXPECT_CONTAINS(first.out, "| FINCH | 1 | 10 |");
  EXPECT_CONTAINS(first.out, "| 62.7 ± 0.0 |");
  const std::string manifest = program.read("kept/pendigits-k-means-seed1/manifest.json");
  EXPECT_CONTAINS(manifest, "finished");
  EXPECT_EQ(program.run(words).out, first.out);
  EXPECT_EQ(program.read("kept/pendigits-k-means-seed1/manifest.json"), manifest);
}

TEST(BenchCommand, RefusesWhatIsNotThere) {
  Program program;
  EXPECT_CONTAINS(program.run({"bench", "table9"}).err, "known are: table2");
  EXPECT_CONTAINS(program.run({"launch", "-n", "2", "bench", "table2"}).err,
                  "works in one process");
  EXPECT_CONTAINS(program.run({"bench", "table2", "--method", "kmeans"}).err, "k-means");
  const Outcome absent =
      program.run({"bench", "table2", "--data", "nowhere", "--dataset", "Pendigits"});
  EXPECT_EQ(absent.code, 2);
  EXPECT_CONTAINS(absent.err, "Pendigits is left out");
  EXPECT_CONTAINS(absent.err, "nothing was run");
}

TEST(ClusterCommand, FindsTheNumberOfClusters) {
  Program program;
  program.write("toy.csv", toy_csv(90));
  const Outcome outcome = program.run({"cluster", "toy.csv", "--label-column", "kind", "-k", "auto",
                                       "--max-clusters", "6", "--out", "run", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("k"), 3);
  EXPECT_EQ(outcome.json().at("acc"), 1.0);
  const auto count = outcome.json().at("statistics").at("cluster_count");
  EXPECT_EQ(count.at("k"), 3);
  EXPECT_EQ(count.at("curve").size(), 5u);
  EXPECT_EQ(nlohmann::json::parse(program.read("run/manifest.json")).at("clusters"), 3);
  EXPECT_CONTAINS(program.run({"cluster", "toy.csv", "-k", "auto", "--max-clusters", "1"}).err,
                  "--max-clusters 1 is out of range");
  EXPECT_CONTAINS(program.run({"cluster", "toy.csv", "-k", "many"}).err, "-k");
}

TEST(ClusterCommand, WritesTheDendrogram) {
  Program program;
  program.write("toy.csv", toy_csv(30));
  ASSERT_EQ(program
                .run({"cluster", "toy.csv", "--label-column", "kind", "-k", "3", "--method",
                      "agglomerative", "--out", "run"})
                .code,
            0);
  const std::string csv = program.read("run/dendrogram.csv");
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "a,b,height,size");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 30);  // the header and 29 merges
  EXPECT_CONTAINS(program.read("run/manifest.json"), "dendrogram.csv");
}

}  // namespace
}  // namespace coterie
