// Training in several processes, through the program.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

std::vector<nlohmann::json> history(const Program& program, const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(program.read(run + "/history.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::vector<std::string> training(const char* out, std::vector<std::string> before = {}) {
  for (const char* word : {"cluster", "images-idx3-ubyte", "-k", "3", "--method", "simclr",
                           "--precision", "fp32", "--epochs", "20", "--seed", "1", "--set",
                           "batch_size=128", "--set", "learning_rate=3e-5", "--out", out})
    before.push_back(word);
  return before;
}

// At this learning rate, as Adam's first steps enlarge what rounds differently: at 1e-3 one process
// with one thread and with two are as far apart.
TEST(TogetherSlow, TwoProcessesGiveTheLossesOfOne) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(128));  // one step an epoch
  const Outcome alone = program.run(training("alone"));
  ASSERT_EQ(alone.code, 0) << alone.err;
  const Outcome both = program.run(training("both", {"launch", "-n", "2"}));
  ASSERT_EQ(both.code, 0) << both.err;
  const auto expected = history(program, "alone"), found = history(program, "both");
  ASSERT_EQ(expected.size(), 20u);
  ASSERT_EQ(found.size(), 20u);
  const auto loss = [](const nlohmann::json& line) {
    return line.at("losses").at("info_nce").get<double>();
  };
  EXPECT_LT(loss(expected.back()), loss(expected.front()) - 0.03);
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_NEAR(loss(found[i]), loss(expected[i]), 1e-5) << "step " << i;
}

/// Losses of each epoch, by stage and name.
std::map<std::string, std::vector<double>> losses_of(const Program& program,
                                                     const std::string& run) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& line : history(program, run))
    for (const auto& [name, value] : line.at("losses").items())
      all[line.at("stage").get<std::string>() + ", " + name].push_back(value);
  return all;
}

// Targets, negatives, the queue, sizes of clusters and batch norms are those of the images of both.
// dpac has several batches an epoch, over which it aggregates, and enough for whitening anew.
TEST(TogetherSlow, TwoProcessesClusterAsOne) {
  for (const std::vector<std::string>& method :
       {std::vector<std::string>{"dpac", "pretrain_epochs=1", "start=random"},
        {"dpac", "pretrain_epochs=1", "start=random", "objective=jpac", "balance=1"},
        {"dpac", "pretrain_epochs=1", "start=random", "contrast=moco", "queue=64"},
        {"dpac", "pretrain_epochs=1", "self_label=true", "label_epochs=2", "threshold=0.3",
         "label_rate=3e-5"},
        {"cc"},
        {"dcsc"},
        {"moco", "queue=128"}}) {
    Program program;
    program.write("images-idx3-ubyte", idx_images(128));
    std::vector<std::string> words = {"cluster",     "images-idx3-ubyte",
                                      "-k",          "3",
                                      "--precision", "fp32",
                                      "--epochs",    "4",
                                      "--seed",      "1",
                                      "--method",    method[0],
                                      "--set",       "learning_rate=3e-5"};
    if (method[0] == "dpac")
      words.insert(words.end(), {"--set", "batch_size=32", "--set", "pretrain_rate=3e-5"});
    else
      words.insert(words.end(), {"--set", "batch_size=128"});
    for (std::size_t i = 1; i < method.size(); ++i) words.insert(words.end(), {"--set", method[i]});
    words.insert(words.end(), {"--out", "alone"});
    const Outcome alone = program.run(words);
    ASSERT_EQ(alone.code, 0) << alone.err;
    words.back() = "both";
    words.insert(words.begin(), {"launch", "-n", "2"});
    const Outcome both = program.run(words);
    ASSERT_EQ(both.code, 0) << both.err;
    const auto expected = losses_of(program, "alone"), found = losses_of(program, "both");
    ASSERT_EQ(expected.size(), found.size());
    for (const auto& [name, values] : expected) {
      ASSERT_EQ(found.at(name).size(), values.size()) << name;
      // An image whose largest outputs are level may go to either cluster.
      const double level = name.ends_with("agreement") ? 0.05 : 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(found.at(name)[i], values[i], level + 1e-4 * (1 + std::abs(values[i])))
            << ::testing::PrintToString(method) << ": " << name << ", epoch " << i;
    }
  }
}

/// The processes that `launcher` has started, in the order of their ranks.
std::vector<pid_t> children_of(pid_t launcher) {
  const std::string id = std::to_string(launcher);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

TEST(TogetherSlow, AKilledProcessEndsTheOtherAndTheRunCanBeGoneOnWith) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(128));
  const pid_t launcher = program.start(training("run", {"launch", "-n", "2", "--timeout", "10s"}));
  for (int i = 0; i < 3000 && program.read("run/history.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const auto children = children_of(launcher);
  ASSERT_EQ(children.size(), 2u);
  kill(children[1], SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  const Outcome outcome = program.wait(launcher);
  EXPECT_LT(std::chrono::steady_clock::now() - killed, std::chrono::seconds(30));
  EXPECT_EQ(outcome.code, 128 + SIGKILL);
  EXPECT_CONTAINS(outcome.err, "launch: process 1 of 2 was ended by SIGKILL");
  EXPECT_CONTAINS(outcome.err, "launch: process 0 of 2 ended with exit code 130");
  EXPECT_CONTAINS(outcome.err, "go on with: coterie resume run");
  const Outcome resumed = program.run({"launch", "-n", "2", "resume", "run"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(history(program, "run").back()["epoch"], 20);
}

}  // namespace
}  // namespace coterie
