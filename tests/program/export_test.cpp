// `coterie export`, as a user runs it.
#include <gtest/gtest.h>
#include <pty.h>

#include <cstdlib>
#include <set>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class ExportCommand : public ::testing::Test {
 protected:
  /// A finished run on six files, written by hand.
  void SetUp() override {
    std::string assignments = "id,path,label,confidence,rank\n";
    for (int i = 0; i < 6; ++i) {
      const std::string n = std::to_string(i);
      program_.write("photos/a/" + n + ".jpg", "image " + n);
      assignments += n + ",a/" + n + ".jpg," + std::to_string(i % 2) + ",0.5,0\n";
    }
    program_.write("run/assignments.csv", assignments);
    const nlohmann::json settings = {{"input", "photos"},
                                     {"labels", ""},
                                     {"label_column", ""},
                                     {"image_size", 0},
                                     {"channels", 0},
                                     {"cache", ""},
                                     {"max_file_bytes", 1},
                                     {"max_pixels", 1},
                                     {"method", "pac"},
                                     {"clusters", 2},
                                     {"parameters", nlohmann::json::object()},
                                     {"seed", 0},
                                     {"device", "cpu"},
                                     {"time_budget", 0}};
    const nlohmann::json input = {
        {"kind", "images"}, {"n", 6}, {"source", program_.file("photos").native()}};
    const nlohmann::json manifest = {
        {"status", "finished"}, {"settings", settings}, {"clusters", 2}, {"input", input}};
    program_.write("run/manifest.json", manifest.dump());
  }

  /// Runs `coterie export run --to out --as move` on a terminal and answers its question.
  int move_on_a_terminal(const std::string& answer) {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
      if (chdir(program_.folder().c_str()) != 0) _exit(99);
      execl(COTERIE_PROGRAM, COTERIE_PROGRAM, "export", "run", "--to", "out", "--as", "move",
            nullptr);
      _exit(98);
    }
    std::string shown;
    char c = 0;
    while (shown.find("[y/N]") == std::string::npos && read(terminal, &c, 1) == 1) shown += c;
    EXPECT_CONTAINS(shown, "Move the images of run out of their folder into out?");
    const std::string line = answer + "\n";
    EXPECT_EQ(write(terminal, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    while (read(terminal, &c, 1) == 1) {
    }
    int status = 0;
    waitpid(child, &status, 0);
    close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  Program program_;
};

TEST_F(ExportCommand, MakesFoldersAndPutsBack) {
  const Outcome made = program_.run({"export", "run", "--to", "out", "--as", "symlink", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.json().at("n"), 6);
  EXPECT_EQ(made.json().at("folders"), 2);
  EXPECT_EQ(program_.read("out/cluster-01/3.jpg"), "image 3");
  const Outcome undone = program_.run({"export", "--undo", "out", "--json"});
  ASSERT_EQ(undone.code, 0) << undone.err;
  EXPECT_EQ(undone.json().at("undone"), 6);
  EXPECT_EQ(undone.json().at("left"), nlohmann::json::array());
  EXPECT_FALSE(fs::exists(program_.file("out")));
}

TEST_F(ExportCommand, WhatIsLeftAloneIsListedWithExitCode3) {
  ASSERT_EQ(program_.run({"export", "run", "--to", "out", "--as", "copy"}).code, 0);
  program_.write("out/cluster-00/2.jpg", "edited");
  const Outcome undone = program_.run({"export", "--undo", "out"});
  EXPECT_EQ(undone.code, 3);
  EXPECT_EQ(undone.out, "out: 5 undone, 1 left alone\n");
  EXPECT_CONTAINS(undone.err, "out/cluster-00/2.jpg: it differs from its original");
}

TEST_F(ExportCommand, AMoveAsksFirst) {
  const Outcome silent = program_.run({"export", "run", "--to", "out", "--as", "move"});
  EXPECT_EQ(silent.code, 2);
  EXPECT_CONTAINS(silent.err, "--yes");
  EXPECT_EQ(move_on_a_terminal(""), 2);
  EXPECT_EQ(move_on_a_terminal("n"), 2);
  EXPECT_FALSE(fs::exists(program_.file("out")));
  EXPECT_EQ(move_on_a_terminal("y"), 0);
  EXPECT_TRUE(fs::is_empty(program_.file("photos/a")));
  ASSERT_EQ(program_.run({"export", "--undo", "out"}).code, 0);
  EXPECT_EQ(program_.run({"export", "run", "--to", "out", "--as", "move", "--yes"}).code, 0);
  EXPECT_EQ(program_.read("out/cluster-00/4.jpg"), "image 4");
}

TEST_F(ExportCommand, Tables) {
  ASSERT_EQ(program_.run({"export", "run", "--to", "t.csv", "--as", "csv"}).out, "t.csv\n");
  EXPECT_CONTAINS(program_.read("t.csv"), "\na/5.jpg,1,0.500000\n");
  const Outcome opened =
      program_.run({"export", "run", "--to", "set", "--as", "fiftyone", "--json"});
  EXPECT_EQ(opened.json().at("file"), "set/samples.json");
}

TEST_F(ExportCommand, WrongOptionsAreNamed) {
  const auto error = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "export");
    const Outcome outcome = program_.run(words);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_CONTAINS(error({}), "RUN is missing");
  EXPECT_CONTAINS(error({"run", "--as", "copy"}), "--to is missing");
  EXPECT_CONTAINS(error({"run", "--to", "out"}), "give one of --as");
  EXPECT_CONTAINS(error({"run", "--to", "out", "--as", "zip"}), "zip");
  EXPECT_CONTAINS(error({"nowhere", "--to", "out", "--as", "copy"}), "no run folder");
  EXPECT_CONTAINS(error({"--undo", "photos"}), "no export to undo");
  EXPECT_CONTAINS(error({"run", "--undo", "photos"}), "nothing else");
  EXPECT_FALSE(fs::exists(program_.file("out")));
}

/// The first python that has PyTorch; empty where none has.
std::string python_with_torch() {
  for (const std::string python : {"python3", "/usr/bin/python3"})
    if (std::system((python + " -c 'import torch, numpy' 2> /dev/null").c_str()) == 0)
      return python;
  return {};
}

TEST(ModelExport, SafetensorsComeWithADescription) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  ASSERT_EQ(program
                .run({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "ae", "--epochs", "1",
                      "--out", "run"})
                .code,
            0);
  const Outcome made =
      program.run({"export", "run", "--model", "safetensors", "--to", "model", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.json().at("file"), "model/model.safetensors");
  EXPECT_EQ(program.read("model/model.safetensors"), program.read("run/model.safetensors"));
  const auto about = nlohmann::json::parse(program.read("model/model.json"));
  EXPECT_EQ(about.at("input").at("shape"), (std::vector<int>{1, 28, 28}));
  EXPECT_EQ(about.at("input").at("normalisation").at("divide"), std::vector<float>{1});
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& tensor : about.at("tensors")) all.insert(tensor.at("name"));
    return all;
  }();
  EXPECT_TRUE(names.contains("autoencoder/encoder.0.weight"));
  EXPECT_CONTAINS(program.run({"export", "run", "--model", "safetensors", "--to", "model"}).err,
                  "there already");
  const Outcome refused = program.run({"export", "run", "--model", "torchscript", "--to", "other"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_CONTAINS(refused.err, "use --model safetensors");
  EXPECT_FALSE(fs::exists(program.file("other")));
}

TEST(SlowModelExport, PythonGivesTheLabelsOfTheRun) {
  const std::string python = python_with_torch();
  if (python.empty()) GTEST_SKIP() << "needs PyTorch: install python3-torch";
  Program program;
  const std::string images = idx_images(30);
  program.write("images-idx3-ubyte", images);
  program.write(
      "images.npy",
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (30, 28, 28), }", images.substr(16)));
  ASSERT_EQ(program
                .run({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "dec", "--epochs", "3",
                      "--set", "batch_size=10", "--precision", "fp32", "--out", "run"})
                .code,
            0);
  ASSERT_EQ(program.run({"export", "run", "--model", "torchscript", "--to", "model"}).code, 0);
  const std::string command = python + " '" COTERIE_SOURCE_DIR "/docs/examples/load_model.py' '" +
                              program.file("model").native() + "' '" +
                              program.file("images.npy").native() + "' > '" +
                              program.file("labels.csv").native() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::istringstream labels(program.read("labels.csv")), rows(program.read("run/assignments.csv"));
  std::string label, row;
  std::getline(labels, label);
  std::getline(rows, row);
  EXPECT_EQ(label, "row,label,confidence");
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(std::getline(labels, label) && std::getline(rows, row));
    const std::string id = std::to_string(i);
    // "0,2,0.9..." and "0,images-idx3-ubyte#0,2,0.9...,3"
    const std::string known = row.substr((id + ",images-idx3-ubyte#" + id + ",").size());
    EXPECT_EQ(label.substr(id.size() + 1, 2), known.substr(0, 2)) << row;
    EXPECT_NEAR(std::stod(label.substr(id.size() + 3)), std::stod(known.substr(2)), 1e-4) << row;
  }
}

}  // namespace
}  // namespace coterie
