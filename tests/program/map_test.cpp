// `coterie map` as a user runs it.
#include <gtest/gtest.h>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

TEST(MapCommand, LaysOutARunOnFeatures) {
  Program program;
  program.write("toy.csv", toy_csv(60));
  ASSERT_EQ(
      program.run({"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--out", "run"}).code,
      0);
  const std::vector<std::string> words = {"map", "run", "--set", "iterations=120", "--seed", "4"};
  const Outcome plain = program.run(words);
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_CONTAINS(plain.out, "60 rows laid out by their features, perplexity 19.67, KL ");
  EXPECT_CONTAINS(plain.out, "map: run/map.npy");
  const std::string map = program.read("run/map.npy");
  EXPECT_CONTAINS(map, "'shape': (60, 2)");
  EXPECT_CONTAINS(map, "'descr': '<f4'");
  auto json_words = words;
  json_words.push_back("--json");
  const Outcome json = program.run(json_words);
  ASSERT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(json.json().at("run"), "run");
  EXPECT_EQ(json.json().at("laid_out"), "features");
  EXPECT_EQ(json.json().at("parameters").at("iterations"), "120");
  EXPECT_EQ(program.read("run/map.npy"), map);  // the same seed
  auto facts = nlohmann::json::parse(program.read("run/map.json"));
  EXPECT_EQ(facts.at("kl"), json.json().at("kl"));
}

TEST(MapCommand, LaysOutPixels) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  ASSERT_EQ(program
                .run({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "kmeans", "--out",
                      "run"})
                .code,
            0);
  const Outcome outcome = program.run({"map", "run", "--set", "iterations=50", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("laid_out"), "pixels");
  EXPECT_EQ(outcome.json().at("columns"), 784);
}

TEST(MapCommand, RefusesBadOptions) {
  Program program;
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "map");
    const Outcome outcome = program.run(words);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_CONTAINS(refusal({"nowhere"}), "no run folder");
  EXPECT_CONTAINS(refusal({"nowhere", "--seed", "-1"}), "--seed");
  EXPECT_CONTAINS(refusal({"nowhere", "--set", "perplexity"}), "give key=value");
  EXPECT_CONTAINS(program.run({"map", "--help"}).out, "perplexity = 30 (>= 1)");
}

}  // namespace
}  // namespace coterie
