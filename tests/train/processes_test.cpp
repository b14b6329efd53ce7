#include "coterie/train/processes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "processes.h"

namespace coterie {
namespace {

using namespace testing;

/// Environment variables of this process for the length of a test.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    clear();
    for (const auto& [name, value] : values) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() { clear(); }

 private:
  static void clear() {
    for (const char* name :
         {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "COTERIE_PEER_TIMEOUT",
          "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT"})
      unsetenv(name);
  }
};

const std::map<std::string, std::string> kSecondOfTwo = {
    {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "there"}, {"MASTER_PORT", "29500"}};

/// The refusal where one variable of a sound setting is another, or absent where empty.
std::string refusal(const std::string& name, const std::string& value) {
  auto values = kSecondOfTwo;
  values[name] = value;
  const Environment environment(values);
  return user_error_of([] { process_settings_from_environment(); });
}

TEST(ProcessSettings, OneProcessWhereNothingIsSet) {
  for (const std::map<std::string, std::string>& values :
       {std::map<std::string, std::string>{}, {{"WORLD_SIZE", "1"}, {"RANK", "0"}}}) {
    const Environment environment(values);
    EXPECT_EQ(process_settings_from_environment().size, 1);
    EXPECT_EQ(process_settings_from_environment().rank, 0);
  }
}

TEST(ProcessSettings, AreReadFromTheEnvironment) {
  auto values = kSecondOfTwo;
  values["LOCAL_RANK"] = "1";
  values["COTERIE_PEER_TIMEOUT"] = "2.5";
  values["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  values["TORCHELASTIC_RESTART_COUNT"] = "3";
  const Environment environment(values);
  const auto settings = process_settings_from_environment();
  EXPECT_EQ(settings.rank, 1);
  EXPECT_EQ(settings.size, 2);
  EXPECT_EQ(settings.local_rank, 1);
  EXPECT_EQ(settings.address, "there");
  EXPECT_EQ(settings.port, 29500);
  EXPECT_EQ(settings.timeout, 2.5);
  EXPECT_TRUE(settings.agent_store);
  EXPECT_EQ(settings.attempt, "3");
}

TEST(ProcessSettings, BadVariablesAreNamedWithTheirValueAndRange) {
  EXPECT_CONTAINS(refusal("WORLD_SIZE", "two"), "WORLD_SIZE = 'two' is not a whole number");
  EXPECT_CONTAINS(refusal("WORLD_SIZE", "0"), "WORLD_SIZE = 0 is out of range: allowed is 1 to");
  EXPECT_CONTAINS(refusal("RANK", "2"),
                  "RANK = 2 is out of range: allowed is 0 to 1; give each process its own");
  EXPECT_CONTAINS(refusal("RANK", ""), "RANK is not set; give each process its own");
  EXPECT_CONTAINS(refusal("LOCAL_RANK", "-1"), "LOCAL_RANK = -1 is out of range");
  EXPECT_CONTAINS(refusal("MASTER_ADDR", ""), "MASTER_ADDR is not set; set it to the name");
  EXPECT_CONTAINS(refusal("MASTER_PORT", ""), "MASTER_PORT is not set; set it to a free port");
  EXPECT_CONTAINS(refusal("MASTER_PORT", "65536"), "MASTER_PORT = 65536 is out of range");
  EXPECT_CONTAINS(refusal("COTERIE_PEER_TIMEOUT", "0"), "COTERIE_PEER_TIMEOUT = 0 is out of range");
}

TEST(Processes, AProcessAloneKeepsItsValues) {
  const Processes alone;
  EXPECT_TRUE(alone.first());
  const auto values = torch::ones({2, 3}).requires_grad_();
  EXPECT_TRUE(alone.gather(values).is_same(values));
  EXPECT_TRUE(alone.sum(values).is_same(values));
  EXPECT_EQ(alone.broadcast("bytes"), "bytes");
  EXPECT_TRUE(alone.any(true));
  EXPECT_FALSE(alone.any(false));
  auto slice = torch::ones(3);
  alone.start_sum(slice).wait();
  EXPECT_EQ(slice.sum().item<float>(), 3);
}

#if defined(COTERIE_GLOO)

TEST(Processes, GatherGivesRowsByRankAndSummedGradients) {
  expect_scenario("gather", 2);
  expect_scenario("gather", 3);
}

TEST(Processes, SumAndItsGradient) {
  expect_scenario("sum", 2);
  expect_scenario("sum", 3);
}

TEST(Processes, BroadcastGivesAllWhatTheFirstHas) { expect_scenario("broadcast", 3); }

TEST(Processes, AnyIsTrueWhereOneIs) { expect_scenario("any", 2); }

TEST(Processes, AKilledPeerEndsTheOthers) {
  for (const char* scenario : {"killed", "killed_in_backward"}) {
    const auto ended = Workers(2, 5).run(scenario);
    EXPECT_EQ(ended[0].code, 130) << ended[0].err;
    EXPECT_CONTAINS(ended[0].err, "process 0 of 2 lost the others in 'sum'");
    EXPECT_CONTAINS(ended[0].err, "its own output says why");
    EXPECT_LT(ended[0].seconds, 20);
    EXPECT_EQ(ended[1].code, 1000 + SIGKILL);
  }
}

TEST(Processes, ASilentPeerEndsTheOthersInTime) {
  Workers workers(2, 5);
  workers.start("silent", 0);
  workers.start("silent", 1);
  const pid_t stopped = workers.child(1);
  int status = 0;
  ASSERT_EQ(waitpid(stopped, &status, WUNTRACED), stopped);
  ASSERT_TRUE(WIFSTOPPED(status));
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(workers.child(0)), &info, WEXITED | WNOWAIT);
  kill(stopped, SIGKILL);
  const auto ended = workers.wait();
  EXPECT_EQ(ended[0].code, 130) << ended[0].err;
  EXPECT_CONTAINS(ended[0].err, "gave no answer for 5 seconds");
  EXPECT_LT(ended[0].seconds, 20);
}

TEST(Processes, APeerThatNeverComesIsNamed) {
  Workers workers(3, 2);
  workers.start("any", 0);
  workers.start("any", 2);
  const auto ended = workers.wait();
  EXPECT_EQ(ended[0].code, 2) << ended[0].err;
  EXPECT_CONTAINS(ended[0].err, "of 3 processes these did not come to 127.0.0.1:");
  EXPECT_CONTAINS(ended[0].err, "within 2 seconds: 1; start all with the same WORLD_SIZE");
  EXPECT_EQ(ended[1].code, 2) << ended[1].err;
  EXPECT_LT(ended[1].seconds, 20);
}

TEST(Processes, WithoutTheFirstProcessTheOthersSayWhereTheyLooked) {
  Workers workers(2, 2);
  workers.start("any", 1);
  const auto ended = workers.wait();
  EXPECT_EQ(ended[0].code, 2) << ended[0].err;
  EXPECT_CONTAINS(ended[0].err, "process 1 of 2 cannot join the others at MASTER_ADDR = 127.0.0.1");
  EXPECT_LT(ended[0].seconds, 20);
}

TEST(Processes, ARankTakenTwiceIsRefused) {
  Workers workers(3, 2);
  workers.start("any", 0);
  workers.start("any", 1);
  workers.start("any", 1);
  const auto ended = workers.wait();
  EXPECT_CONTAINS(ended[1].err + ended[2].err, "RANK = 1 is taken by two processes");
}

#endif

}  // namespace
}  // namespace coterie
