// Several processes from one command: what they are told, and how their ends are handled. Scripts
// stand in for the program where a process is to fail in its own way.
#include "coterie/launch.h"

#include <gtest/gtest.h>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// Runs a shell script in each process; $F is a folder of the test's own.
class Scripts : public ::testing::Test {
 protected:
  Launch settings(const std::string& script, double timeout) {
    const std::string folder = folder_.path().string();
    return {.command = {"/bin/sh", "-c", "F=" + folder + "; " + script},
            .count = 2,
            .timeout = timeout,
            .grace = 0.2,
            .say = [this](const std::string& line) { said_ += line + "\n"; }};
  }
  int run(const std::string& script, double timeout = 20) {
    return launch(settings(script, timeout));
  }

  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }
  /// The launcher as a process of its own, when both of its children have written their file.
  pid_t start(const std::string& script) {
    const pid_t launcher = fork();
    if (launcher == 0) {
      ::signal(SIGINT, SIG_DFL);  // Tests that a shell runs in the background would ignore it.
      _exit(run(script));
    }
    EXPECT_TRUE(comes_true([&] { return !read("0").empty() && !read("1").empty(); }));
    return launcher;
  }

  TemporaryFolder folder_;
  std::string said_;
};

TEST_F(Scripts, EachIsToldWhoItIs) {
  EXPECT_EQ(run("echo $LOCAL_RANK/$WORLD_SIZE/$LOCAL_WORLD_SIZE $MASTER_ADDR "
                "$COTERIE_PEER_TIMEOUT >$F/$RANK; echo $MASTER_PORT >$F/port$RANK"),
            0);
  EXPECT_EQ(read("0"), "0/2/2 127.0.0.1 20\n");
  EXPECT_EQ(read("1"), "1/2/2 127.0.0.1 20\n");
  EXPECT_GT(std::stoi(read("port0")), 1023);
  EXPECT_EQ(read("port0"), read("port1"));
  EXPECT_EQ(said_, "");
}

TEST_F(Scripts, TheFirstThatFailsDecidesTheExitCode) {
  EXPECT_EQ(run("test $RANK = 1 && exit 3; sleep 0.1; exit 4"), 3);
  EXPECT_EQ(said_,
            "process 1 of 2 ended with exit code 3\nprocess 0 of 2 ended with exit code 4\n");
}

TEST_F(Scripts, WhoLostItsPeersIsNotTheCause) {
  EXPECT_EQ(run("test $RANK = 0 && exit 130; sleep 0.1; exit 2"), 2);
  EXPECT_EQ(run("exit 130"), 130);
}

TEST_F(Scripts, ASignalIsNamed) {
  EXPECT_EQ(run("test $RANK = 1 && kill -9 $$; exit 0"), 128 + SIGKILL);
  EXPECT_EQ(said_, "process 1 of 2 was ended by SIGKILL\n");
}

TEST_F(Scripts, WhoDoesNotEndIsAskedTo) {
  EXPECT_EQ(run("test $RANK = 1 && exit 2; exec sleep 60", 0.1), 2);
  EXPECT_CONTAINS(said_, "process 0 of 2 was ended by SIGTERM\n");
}

TEST_F(Scripts, WhoDoesNotListenIsEnded) {
  EXPECT_EQ(run("while test $RANK = 1; do test -e $F/0 && exit 2; sleep 0.02; done; "
                "trap '' TERM; echo >$F/0; exec sleep 60",
                0.1),
            2);
  EXPECT_CONTAINS(said_, "process 0 of 2 was ended by SIGKILL\n");
}

TEST_F(Scripts, SignalsArePassedOnOnce) {
  for (const int number : {SIGINT, SIGTERM}) {
    const pid_t launcher = start(
        "trap 'echo end >>$F/$RANK; exit 130' INT TERM; echo begin >$F/$RANK; "
        "while :; do sleep 0.02; done");
    kill(launcher, number);
    int status = 0;
    waitpid(launcher, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
    for (const char* name : {"0", "1"}) {
      EXPECT_EQ(read(name), "begin\nend\n");
      std::filesystem::remove(folder_ / name);
    }
  }
}

TEST_F(Scripts, DieWithTheLauncher) {
  const pid_t launcher = start("echo $$ >$F/$RANK; exec sleep 60");
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  for (const char* name : {"0", "1"}) {
    const std::string stat = "/proc/" + std::to_string(std::stoi(read(name))) + "/stat";
    EXPECT_TRUE(comes_true([&] {
      std::string number, program, state;
      std::ifstream(stat) >> number >> program >> state;
      return state.empty() || state == "Z";
    }));
  }
}

TEST(LaunchCommand, RefusesWhatOneProcessDoes) {
  Program program;
  const Outcome outcome = program.run({"launch", "-n", "2", "methods", "--json"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "coterie methods works in one process");
  EXPECT_EQ(outcome.out, "");
}

TEST(LaunchCommand, FailsAsTheCommandDoes) {
  Program program;
  const Outcome outcome =
      program.run({"launch", "-n", "2", "--timeout", "1s", "cluster", "absent", "-k", "3"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "absent");
  EXPECT_CONTAINS(outcome.err, "launch: process 1 of 2 ended with exit code 2");
}

TEST(LaunchCommand, RefusesWhatCannotBeStarted) {
  Program program;
  Outcome outcome = program.run({"launch", "-n", "2"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "the command to run is missing");
  outcome = program.run({"launch", "cluster", "photos"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "--processes");
  outcome = program.run({"launch", "-n", "0", "methods"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "--processes: Value 0 not in range 1 to 1024");
}

}  // namespace
}  // namespace coterie
