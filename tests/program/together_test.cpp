// Training in several processes, through the program.
#include <gtest/gtest.h>

#include <cmath>

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

}  // namespace
}  // namespace coterie
