#include <gtest/gtest.h>

#include <chrono>
#include <regex>
#include <thread>

#include "program/program.h"

#if defined(COTERIE_WEB)

namespace coterie {
namespace {

using namespace testing;

/// A program in whose folder there is a run on 60 images.
class AnnotateCommand : public ::testing::Test {
 protected:
  AnnotateCommand() {
    program_.write("images", idx_images(60));
    const Outcome made = program_.run({"cluster", "images", "-k", "3", "--method", "kmeans",
                                       "--out", "run", "--quiet", "--json"});
    EXPECT_EQ(made.code, 0) << made.err;
  }

  /// What a server that was started prints first.
  std::string first_line(pid_t server) const {
    for (int i = 0; i < 6000; ++i) {
      const std::string out = program_.read("stdout.txt");
      if (const auto end = out.find('\n'); end != std::string::npos) return out.substr(0, end);
      int status = 0;
      if (waitpid(server, &status, WNOHANG) == server) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "no address: " << program_.read("stderr.txt");
    return {};
  }

  Program program_;
};

TEST_F(AnnotateCommand, PrintsItsAddressAndEndsWithCtrlC) {
  const pid_t server = program_.start({"annotate", "run"});
  const std::string address = first_line(server);
  EXPECT_TRUE(
      std::regex_match(address, std::regex("http://127\\.0\\.0\\.1:[0-9]+/\\?token=[0-9a-f]{64}")))
      << address;
  kill(server, SIGINT);
  EXPECT_EQ(program_.wait(server).code, 0);
}

TEST_F(AnnotateCommand, JsonHoldsAddressAndPort) {
  const pid_t server =
      program_.start({"annotate", "run", "--json", "--token", "correct-horse-battery"});
  const auto printed = nlohmann::json::parse(first_line(server));
  EXPECT_EQ(printed.at("run"), "run");
  EXPECT_EQ(printed.at("url"),
            "http://127.0.0.1:" + printed.at("port").dump() + "/?token=correct-horse-battery");
  kill(server, SIGTERM);
  EXPECT_EQ(program_.wait(server).code, 0);
}

TEST_F(AnnotateCommand, ConstraintsGoInAndComeOut) {
  program_.write("in.csv",
                 "path_a,path_b,link\nimages#0,images#3,must\nimages#0,images#1,cannot\n");
  const Outcome first = program_.run({"annotate", "run", "--import", "in.csv", "--json"});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json(), nlohmann::json({{"added", 2}, {"known", 0}, {"contradicting", 0}}));
  const Outcome out = program_.run({"annotate", "run", "--export", "out.csv"});
  EXPECT_EQ(out.code, 0) << out.err;
  EXPECT_CONTAINS(out.out, "out.csv: 2 constraints");
  EXPECT_EQ(program_.read("out.csv"),
            "id_a,id_b,link,path_a,path_b\n0,3,must,images#0,images#3\n"
            "0,1,cannot,images#0,images#1\n");
}

TEST_F(AnnotateCommand, SaysWhatIsWrong) {
  const auto refusal = [&](const std::vector<std::string>& words) {
    const Outcome outcome = program_.run(words);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_CONTAINS(refusal({"annotate", "none"}), "none is no run folder");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--host", "0.0.0.0"}), "stands for all addresses");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--host", "127.0.0.2"}), "choose a --token");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--token", "short"}), "--token: allowed are");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--port", "99999"}), "--port 99999");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--budget", "0"}), "--budget");
  EXPECT_CONTAINS(refusal({"annotate", "run", "--import", "none.csv"}), "none.csv");
  program_.write("run/constraints.db", "not SQLite");
  EXPECT_CONTAINS(refusal({"annotate", "run"}), "is no store of constraints that coterie wrote");
  EXPECT_EQ(program_.read("run/constraints.db"), "not SQLite");
  const Outcome evaluated = program_.run({"evaluate", "run"});
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_CONTAINS(evaluated.err, "is no store of constraints that coterie wrote");
  program_.write("table.csv", toy_csv(60));
  EXPECT_EQ(program_
                .run({"cluster", "table.csv", "-k", "3", "--label-column", "kind", "--out", "table",
                      "--quiet"})
                .code,
            0);
  EXPECT_CONTAINS(refusal({"annotate", "table"}), "was made from features");
}

}  // namespace
}  // namespace coterie

#endif
