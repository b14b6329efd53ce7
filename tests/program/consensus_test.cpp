// `coterie consensus` as a user runs it.
#include <gtest/gtest.h>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

/// Paths a, b, ... with these labels.
std::string label_csv(const std::string& labels) {
  std::string csv = "path,label\n";
  for (std::size_t i = 0; i < labels.size(); ++i)
    csv += std::string(1, static_cast<char>('a' + i)) + "," + labels[i] + "\n";
  return csv;
}

TEST(ConsensusCommand, JoinsClusteringsWhateverTheirNumbersAndOrder) {
  Program program;
  program.write("one.csv", label_csv("000011112"));
  program.write("two.csv", label_csv("222200001"));
  program.write("three.csv",  // the same paths from the last to the first; c is with the others
                "id,path,label,confidence\n8,i,z,1\n7,h,y,1\n6,g,y,1\n5,f,y,1\n4,e,y,1\n3,d,x,1\n"
                "2,c,y,1\n1,b,x,1\n0,a,x,1\n");
  program.write("truth.csv", label_csv("000011112"));
  for (const char* method : {"rotation", "coassociation", "cspa", "mcla", "best"}) {
    const Outcome outcome = program.run({"consensus", "one.csv", "two.csv", "three.csv", "--method",
                                         method, "--labels", "truth.csv", "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = outcome.json();
    EXPECT_EQ(json.at("n"), 9);
    EXPECT_EQ(json.at("k"), 3);
    EXPECT_EQ(json.at("acc"), 1.0) << method;
    EXPECT_EQ(json.at("cluster_sizes"), (std::vector<int>{4, 4, 1}));
    EXPECT_EQ(json.at("labels"), (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1, 2}));
    EXPECT_GT(json.at("mean_nmi").get<double>(), 0.8);
    EXPECT_EQ(json.contains("weights"), json.at("method") == "rotation");
  }
  const Outcome csv = program.run({"consensus", "one.csv", "two.csv"});
  EXPECT_EQ(csv.out,
            "id,path,label\n0,a,0\n1,b,0\n2,c,0\n3,d,0\n4,e,1\n5,f,1\n6,g,1\n7,h,1\n8,i,2\n");
  EXPECT_CONTAINS(csv.err, "9 items in 3 clusters");
  const Outcome scored = program.run(
      {"consensus", "one.csv", "two.csv", "--labels", "truth.csv", "--out", "both.csv"});
  EXPECT_CONTAINS(scored.out, "ACC 1.0000");
  EXPECT_CONTAINS(scored.out, "mean NMI to the inputs 1.0000");
  EXPECT_EQ(program.read("both.csv"), csv.out);
}

TEST(ConsensusCommand, WithUnitColumnsAnInputThatDisagreesWeighsLittle) {
  Program program;
  program.write("one.csv", label_csv("000011112222"));
  program.write("two.csv", label_csv("000011111222"));
  program.write("three.csv", label_csv("000111112222"));
  program.write("noise.csv", label_csv("012012012012"));
  std::vector<std::string> words = {"consensus", "one.csv",   "two.csv",
                                    "three.csv", "noise.csv", "--json"};
  const std::vector<double> plain = program.run(words).json().at("weights");
  words.emplace_back("--unit-columns");
  const std::vector<double> unit = program.run(words).json().at("weights");
  for (int i = 0; i < 3; ++i) {
    EXPECT_GT(plain[i], plain[3]);
    EXPECT_GT(unit[i], 2 * unit[3]);
  }
  words.insert(words.end(), {"--method", "mcla"});
  EXPECT_CONTAINS(program.run(words).err, "--unit-columns belongs to --method rotation");
}

TEST(ConsensusCommand, TakesRunFolders) {
  Program program;
  program.write("toy.csv", toy_csv(60));
  for (const char* seed : {"1", "2"})
    ASSERT_EQ(program
                  .run({"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--seed", seed,
                        "--out", std::string("run") + seed})
                  .code,
              0);
  const Outcome outcome = program.run({"consensus", "run1", "run2", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("mean_nmi"), 1.0);
  EXPECT_EQ(outcome.json().at("cluster_sizes"), (std::vector<int>{20, 20, 20}));
}

TEST(ConsensusCommand, RefusesWhatDoesNotFit) {
  Program program;
  program.write("one.csv", label_csv("0011"));
  program.write("longer.csv", label_csv("00112"));
  program.write("other.csv", "path,label\na,0\nb,0\nc,1\nx,1\n");
  program.write("twice.csv", "path,label\na,0\na,0\nc,1\nd,1\n");
  program.write("columns.csv", "path,cluster\na,0\n");
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "consensus");
    const Outcome outcome = program.run(words);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_CONTAINS(refusal({"one.csv"}), "two inputs");
  EXPECT_CONTAINS(refusal({"one.csv", "longer.csv"}), "labels 5 paths");
  EXPECT_CONTAINS(refusal({"one.csv", "other.csv"}), "'x'");
  EXPECT_CONTAINS(refusal({"one.csv", "twice.csv"}), "more than one label for 'a'");
  EXPECT_CONTAINS(refusal({"one.csv", "columns.csv"}), "no column 'label'");
  EXPECT_CONTAINS(refusal({"one.csv", "absent.csv"}), "absent.csv");
  EXPECT_CONTAINS(refusal({"one.csv", "one.csv", "--labels", "absent.csv"}), "absent.csv");
  EXPECT_CONTAINS(refusal({"one.csv", "one.csv", "-k", "3"}), "allowed is 2 to 2");
  EXPECT_CONTAINS(refusal({"one.csv", "one.csv", "--method", "vote"}), "vote");
}

}  // namespace
}  // namespace coterie
