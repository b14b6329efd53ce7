// Every kind of bad input: a message that names what is wrong and what to do, exit code 2, nothing
// on stdout and no run folder left behind.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cmath>
#include <cstring>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;

class BadInput : public ::testing::Test {
 protected:
  /// Runs `coterie cluster` with `words` and `--out run`, and checks what all refusals share.
  std::string refusal(std::vector<std::string> words) {
    words.insert(words.begin(), "cluster");
    words.insert(words.end(), {"--out", "run"});
    const Outcome outcome = program_.run(words);
    EXPECT_EQ(outcome.code, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.find("terminate"), std::string::npos) << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("error: ") ||
                outcome.err.find("\nerror: ") != std::string::npos)
        << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(program_.file("run")));
    return outcome.err;
  }

  Program program_;
};

TEST_F(BadInput, MissingPathNamesTheNearest) {
  program_.write("photos/a.txt", "");
  const std::string error = refusal({"photo", "-k", "3"});
  EXPECT_CONTAINS(error, "photo");
  EXPECT_CONTAINS(error, "photos");
}

TEST_F(BadInput, EmptyFolder) {
  std::filesystem::create_directory(program_.file("empty"));
  EXPECT_CONTAINS(refusal({"empty", "-k", "3"}), "empty");
}

#if defined(COTERIE_IMAGES)
TEST_F(BadInput, OnlyBadFiles) {
  program_.write("folder/a.jpg", "this is text");
  program_.write("folder/b.png", "");
  EXPECT_CONTAINS(refusal({"folder", "-k", "3"}), "none of the 2 files");
}
#endif

TEST_F(BadInput, ImagesThatAreAllEqual) {
  program_.write("same-idx3-ubyte", idx({5, 28, 28}, std::string(5 * 28 * 28, 'x')));
  EXPECT_CONTAINS(refusal({"same-idx3-ubyte", "-k", "2", "--method", "ae"}), "all 5 images");
}

TEST_F(BadInput, NumbersOfClusters) {
  program_.write("toy.csv", toy_csv(30));
  const std::vector<std::string> tail{"--label-column", "kind"};
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind"}), "-k is missing");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "0"}), "-k 0");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "1"}), "-k 1");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "31"}), "2 to 30");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "-4"}), "-4");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "ten"}), "ten");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "3.5"}), "3.5");
  EXPECT_CONTAINS(refusal({"toy.csv", "--label-column", "kind", "-k", "99999999999999999999"}),
                  "-k");
}

TEST_F(BadInput, LabelsOfAnotherLength) {
  program_.write("toy.csv", "x,y\n1,2\n3,4\n5,6\n7,8\n");
  program_.write("labels.npy", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
                                   std::string(24, '\0')));
  const std::string error = refusal({"toy.csv", "-k", "2", "--labels", "labels.npy"});
  EXPECT_CONTAINS(error, "3");
  EXPECT_CONTAINS(error, "4");
  EXPECT_CONTAINS(refusal({"toy.csv", "-k", "2", "--labels", "nowhere.npy"}), "nowhere.npy");
}

TEST_F(BadInput, FeaturesThatAreNoNumbers) {
  program_.write("nan.csv", "x,y\n1,2\n3,nan\n5,6\n");
  const std::string error = refusal({"nan.csv", "-k", "2"});
  EXPECT_CONTAINS(error, "line 3");
  EXPECT_CONTAINS(error, "'y'");
  const float values[] = {1, 2, 3, INFINITY, 5, 6};
  std::string data(sizeof(values), '\0');
  std::memcpy(data.data(), values, sizeof(values));
  program_.write("inf.npy",
                 npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", data));
  EXPECT_CONTAINS(refusal({"inf.npy", "-k", "2"}), "inf");
  program_.write("words.csv", "x,y\n1,2\n3,seven\n5,6\n");
  EXPECT_CONTAINS(refusal({"words.csv", "-k", "2"}), "seven");
}

TEST_F(BadInput, RaggedCsv) {
  program_.write("ragged.csv", "x,y\n1,2\n3\n5,6\n");
  EXPECT_CONTAINS(refusal({"ragged.csv", "-k", "2"}), "line 3");
}

TEST_F(BadInput, UnknownLabelColumn) {
  program_.write("toy.csv", toy_csv(30));
  EXPECT_CONTAINS(refusal({"toy.csv", "-k", "3", "--label-column", "kinds"}), "kind");
}

TEST_F(BadInput, DamagedArrays) {
  program_.write("short.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 2), }",
                                  std::string(40, '\0')));
  EXPECT_CONTAINS(refusal({"short.npy", "-k", "2"}), "short.npy");
  program_.write("huge.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, "
                                 "4294967296, 3), }",
                                 std::string(40, '\0')));
  EXPECT_CONTAINS(refusal({"huge.npy", "-k", "2"}), "huge.npy");
  program_.write("magic.npy", "NUMPYnonsense");
  EXPECT_CONTAINS(refusal({"magic.npy", "-k", "2"}), "magic.npy");
  program_.write("cut-idx3-ubyte", idx_images(10).substr(0, 2000));
  EXPECT_CONTAINS(refusal({"cut-idx3-ubyte", "-k", "2"}), "cut-idx3-ubyte");
  program_.write("cut-idx3-ubyte.gz", std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03Q", 11));
  EXPECT_CONTAINS(refusal({"cut-idx3-ubyte.gz", "-k", "2"}), "cut-idx3-ubyte.gz");
}

TEST_F(BadInput, UnknownNamesSuggestTheNearest) {
  program_.write("toy.csv", toy_csv(30));
  const std::vector<std::string> base{"toy.csv", "-k", "3", "--label-column", "kind"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return refusal(more);
  };
  EXPECT_CONTAINS(with({"--method", "kmean"}), "did you mean 'kmeans'");
  EXPECT_CONTAINS(with({"--set", "restart=3"}), "did you mean 'restarts'");
  EXPECT_CONTAINS(with({"--set", "m=0.5"}), "> 1");
  EXPECT_CONTAINS(with({"--set", "distance=euclid"}), "sqeuclidean | cosine");
  EXPECT_CONTAINS(with({"--set", "m"}), "key=value");
  EXPECT_CONTAINS(with({"--seeed", "3"}), "--seed");
  EXPECT_CONTAINS(with({"--seed", "-3"}), "0 or more");
  EXPECT_CONTAINS(with({"--time-budget", "soon"}), "10m");
  EXPECT_CONTAINS(with({"--device", "gpu"}), "auto, cpu, cuda");
  EXPECT_CONTAINS(with({"--threads", "0"}), "--threads");
  EXPECT_CONTAINS(with({"--epochs", "3"}), "epochs");
  EXPECT_CONTAINS(with({"--method", "ae"}), "works on images");
  program_.write("bad.toml", "sed = 3\n");
  EXPECT_CONTAINS(with({"--config", "bad.toml"}), "did you mean");
  program_.write("torn.toml", "seed = \n");
  EXPECT_CONTAINS(with({"--config", "torn.toml"}), "line 1");
  EXPECT_CONTAINS(with({"--config", "none.toml"}), "none.toml");
}

TEST_F(BadInput, AFolderThatHoldsOtherThingsIsLeftAlone) {
  program_.write("toy.csv", toy_csv(30));
  program_.write("mine/diary.txt", "dear diary");
  const Outcome outcome = program_.run(
      {"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--out", "mine", "--force"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "holds other files");
  EXPECT_EQ(program_.read("mine/diary.txt"), "dear diary");
  program_.write("afile", "x");
  EXPECT_EQ(program_.run({"cluster", "toy.csv", "-k", "3", "--out", "afile"}).code, 2);
  EXPECT_EQ(program_.run({"cluster", "toy.csv", "-k", "3", "--out", "afile/run"}).code, 2);
}

TEST_F(BadInput, FullDisk) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to mount a small disk";
  const auto disk = program_.file("disk");
  std::filesystem::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "no file system may be mounted here";
  program_.write("toy.csv", toy_csv(30000));
  const Outcome outcome = program_.run(
      {"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--out", "disk/run"});
  EXPECT_EQ(outcome.code, 2) << outcome.err;
  EXPECT_CONTAINS(outcome.err, "No space left");
  EXPECT_CONTAINS(outcome.err, "free some space");
  EXPECT_FALSE(std::filesystem::exists(disk / "run"));
  umount(disk.c_str());
}

TEST_F(BadInput, NoCommandOrAnUnknownOne) {
  EXPECT_EQ(program_.run({}).code, 2);
  const Outcome outcome = program_.run({"clutser", "toy.csv"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "cluster");
  EXPECT_EQ(program_.run({"predict", "nowhere", "toy.csv"}).code, 2);
  EXPECT_EQ(program_.run({"evaluate", "nowhere"}).code, 2);
  EXPECT_EQ(program_.run({"resume", "nowhere"}).code, 2);
}

}  // namespace
}  // namespace coterie
