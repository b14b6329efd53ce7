// The main path of every command, as a user runs it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "coterie/core/sha256.h"
#include "program/program.h"
#include "run/event_reader.h"

namespace coterie {
namespace {

using namespace testing;

TEST(Program, ClustersFeaturesAndFillsTheRunFolder) {
  Program program;
  program.write("toy.csv", toy_csv(60));
  const Outcome outcome = program.run({"cluster", "toy.csv", "-k", "3", "--label-column", "kind",
                                       "--out", "run", "--json", "--seed", "7"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = outcome.json();
  EXPECT_EQ(json.at("acc"), 1.0);
  EXPECT_EQ(json.at("nmi"), 1.0);
  EXPECT_EQ(json.at("ari"), 1.0);
  EXPECT_EQ(json.at("n"), 60);
  EXPECT_EQ(json.at("k"), 3);
  EXPECT_EQ(json.at("cluster_sizes"), (std::vector<int>{20, 20, 20}));
  EXPECT_EQ(json.at("method"), "pac");
  EXPECT_EQ(json.at("seed"), 7);
  EXPECT_GT(json.at("seconds").get<double>(), 0);

  const auto manifest = nlohmann::json::parse(program.read("run/manifest.json"));
  EXPECT_EQ(manifest.at("status"), "finished");
  EXPECT_EQ(manifest.at("parameters").at("m"), "1.03");
  std::set<std::string> listed;
  for (const auto& entry : manifest.at("files")) {
    const std::string name = entry.at("name");
    listed.insert(name);
    const std::string content = program.read("run/" + name);
    EXPECT_EQ(entry.at("bytes"), content.size()) << name;
    EXPECT_EQ(entry.at("sha256"), sha256_hex(content)) << name;
  }
  for (const char* name : {"assignments.csv", "bad_files.csv", "probabilities.npy", "metrics.json",
                           "history.jsonl", "model.safetensors", "model.json"})
    EXPECT_TRUE(listed.contains(name)) << name;
  EXPECT_TRUE(program.read("run/assignments.csv")
                  .starts_with("id,path,label,confidence,rank\n0,toy.csv#0,"));
  EXPECT_EQ(program.read("run/bad_files.csv"), "path,cause\n");
}

TEST(Program, SameSeedSameFilesAndAnotherMachineOrder) {
  Program program;
  program.write("toy.csv", toy_csv(90));
  const auto run = [&](const char* out) {
    EXPECT_EQ(
        program.run({"cluster", "toy.csv", "-k", "4", "--label-column", "kind", "--out", out}).code,
        0);
    return program.read(std::string(out) + "/assignments.csv") +
           program.read(std::string(out) + "/probabilities.npy");
  };
  EXPECT_EQ(run("first"), run("second"));
}

TEST(Program, LabelsAreNumberedBySize) {
  Program program;
  std::string csv = "x\n";
  for (int i = 0; i < 5; ++i) csv += "100." + std::to_string(i) + "\n";
  for (int i = 0; i < 15; ++i) csv += "0." + std::to_string(i) + "\n";
  program.write("sizes.csv", csv);
  const Outcome outcome = program.run(
      {"cluster", "sizes.csv", "-k", "2", "--method", "kmeans", "--out", "run", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("cluster_sizes"), (std::vector<int>{15, 5}));
  EXPECT_CONTAINS(program.read("run/assignments.csv"), "\n0,sizes.csv#0,1,");
  EXPECT_FALSE(outcome.json().contains("acc"));
}

TEST(Program, PredictOnTheTrainingDataGivesTheStoredLabels) {
  Program program;
  program.write("toy.csv", toy_csv(60));
  for (const char* method : {"pac", "kmeans"}) {
    ASSERT_EQ(program
                  .run({"cluster", "toy.csv", "-k", "5", "--label-column", "kind", "--method",
                        method, "--out", "run", "--force"})
                  .code,
              0);
    const Outcome predicted = program.run({"predict", "run", "toy.csv", "--label-column", "kind"});
    ASSERT_EQ(predicted.code, 0) << predicted.err;
    std::istringstream assigned(program.read("run/assignments.csv")), found(predicted.out);
    std::string a, b;
    std::getline(assigned, a);
    std::getline(found, b);
    EXPECT_EQ(b, "path,label,confidence,distance,outlier");
    int lines = 0;
    while (std::getline(assigned, a)) {
      ASSERT_TRUE(std::getline(found, b));
      const std::string row = a.substr(a.find(',') + 1);  // path,label,confidence,rank
      const std::string labelled = row.substr(0, row.rfind(','));
      EXPECT_EQ(labelled, b.substr(0, labelled.size())) << method;
      ++lines;
    }
    EXPECT_EQ(lines, 60);
    const Outcome narrow = program.run({"predict", "run", "toy.csv"});  // the label column stays in
    EXPECT_EQ(narrow.code, 2);
  }
}

TEST(Program, EvaluateScoresAgainstGivenLabels) {
  Program program;
  program.write("toy.csv", "x\n0\n1\n10\n11\n");
  program.write("labels.csv", "path,label\ntoy.csv#3,b\ntoy.csv#0,a\ntoy.csv#1,a\ntoy.csv#2,a\n");
  ASSERT_EQ(program.run({"cluster", "toy.csv", "-k", "2", "--out", "run"}).code, 0);
  const Outcome outcome = program.run({"evaluate", "run", "--labels", "labels.csv", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("acc"), 0.75);  // {a, a}, {a, b}: one of four is wrong
  EXPECT_EQ(outcome.json().at("confusion").at("classes"), (std::vector<std::string>{"a", "b"}));
  program.write("toy.csv", "x\n0\n1\n10\n12\n");
  const Outcome changed = program.run({"evaluate", "run"});
  EXPECT_EQ(changed.code, 2);
  EXPECT_CONTAINS(changed.err, "has changed");
}

TEST(Program, AFinishedRunIsNotOverwritten) {
  Program program;
  program.write("toy.csv", toy_csv(30));
  const std::vector<std::string> words{"cluster",        "toy.csv", "-k",    "3",
                                       "--label-column", "kind",    "--out", "run"};
  ASSERT_EQ(program.run(words).code, 0);
  const std::string before = program.read("run/manifest.json");
  const Outcome again = program.run(words);
  EXPECT_EQ(again.code, 2);
  EXPECT_CONTAINS(again.err, "--force");
  EXPECT_EQ(program.read("run/manifest.json"), before);
  auto forced = words;
  forced.push_back("--force");
  EXPECT_EQ(program.run(forced).code, 0);
}

TEST(Program, ConfigFileYieldsToTheCommandLine) {
  Program program;
  program.write("toy.csv", toy_csv(30));
  program.write("run.toml",
                "clusters = 3\nseed = 4\nlabel-column = \"kind\"\nout = \"run\"\n"
                "[set]\nrestarts = 2\nm = 1.1\n");
  const Outcome outcome = program.run(
      {"cluster", "toy.csv", "--config", "run.toml", "--seed", "9", "--set", "m=1.2", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("seed"), 9);
  const auto manifest = nlohmann::json::parse(program.read("run/manifest.json"));
  EXPECT_EQ(manifest.at("parameters").at("restarts"), "2");
  EXPECT_EQ(manifest.at("parameters").at("m"), "1.2");
}

TEST(Program, WritesEventFilesForTensorBoard) {
  Program program;
  program.write("toy.csv", toy_csv(60));
  const std::vector<std::string> words{"cluster", "toy.csv", "-k",  "3",     "--label-column",
                                       "kind",    "--out",   "run", "--set", "restarts=3"};
  auto drawn = words;
  drawn.push_back("--tensorboard");
  ASSERT_EQ(program.run(drawn).code, 0);
  const auto files = event_files(program.file("run/tensorboard"));
  ASSERT_EQ(files.size(), 1u);
  const auto events = read_events(files[0]);
  const auto metrics = nlohmann::json::parse(program.read("run/metrics.json"));
  const auto& restarts = metrics.at("statistics").at("restarts");
  ASSERT_EQ(events.size(), 1 + restarts.size());
  for (std::size_t i = 0; i < restarts.size(); ++i) {
    EXPECT_EQ(events[i + 1].step, static_cast<int>(i + 1));
    EXPECT_EQ(events[i + 1].scalars.at("objective"), restarts[i].at("objective").get<float>());
  }
  const auto manifest = nlohmann::json::parse(program.read("run/manifest.json"));
  EXPECT_EQ(manifest.at("settings").at("tensorboard"), true);

  auto forced = words;
  forced.push_back("--force");
  ASSERT_EQ(program.run(forced).code, 0);
  EXPECT_FALSE(std::filesystem::exists(program.file("run/tensorboard")));
}

TEST(Program, KeepsSnapshotsOfATraining) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  std::vector<std::string> words{"cluster", "images-idx3-ubyte", "-k",          "3",     "--method",
                                 "ae",      "--epochs",          "2",           "--out", "run",
                                 "--set",   "batch_size=10",     "--snapshots", "1,2,9"};
  const Outcome outcome = program.run(words);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.err, "--snapshots: no stage of the training had an epoch 9");
  const std::string rows = program.read("run/snapshots/rows.csv");
  EXPECT_EQ(rows.substr(0, rows.find('\n')), "row,path");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 31);
  EXPECT_CONTAINS(program.read("run/snapshots/reconstruction-0001.npy"), "'shape': (30, 16)");
  EXPECT_NE(program.read("run/snapshots/reconstruction-0001.npy"),
            program.read("run/snapshots/reconstruction-0002.npy"));
  words.back() = "0";
  EXPECT_CONTAINS(program.run(words).err, "epochs are counted from 1");
  program.write("toy.csv", toy_csv(30));
  EXPECT_CONTAINS(
      program.run({"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--snapshots", "1"})
          .err,
      "method pac has no epochs");
}

TEST(Program, TakesItsThreadsFromOpenMPsVariable) {
  Program program;
  const auto threads = [&](const char* value) {
    setenv("OMP_NUM_THREADS", value, 1);
    return program.run({"doctor", "--json"}).json().at("threads").get<int>();
  };
  const char* before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before ? before : "";
  EXPECT_EQ(threads("3"), 3);
  EXPECT_EQ(threads("5,2"), 5);  // of nested levels the outermost
  const int processors = threads("many");
  EXPECT_EQ(threads("-1"), processors);
  EXPECT_GE(processors, 1);
  if (before)
    setenv("OMP_NUM_THREADS", kept.c_str(), 1);
  else
    unsetenv("OMP_NUM_THREADS");
}

TEST(Program, ScoresTheSnapshotsOfARun) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  std::string kinds;
  for (int i = 0; i < 30; ++i) kinds += static_cast<char>(i % 3);
  program.write("truth", idx({30}, kinds));
  const Outcome trained =
      program.run({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "ae-dac", "--set",
                   "pretrain_epochs=1", "--epochs", "2", "--snapshots", "2", "--out", "run"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto evaluate = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"evaluate", "run"});
    const Outcome outcome = program.run(more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_FALSE(nlohmann::json::parse(evaluate({"--json"})).contains("snapshots"));  // no truth
  const auto scored = nlohmann::json::parse(evaluate({"--json", "--labels", "truth"}));
  const auto& last = scored.at("snapshots").back();
  EXPECT_EQ(last.at("stage"), "adapt");
  EXPECT_EQ(last.at("epoch"), 2);
  EXPECT_GT(last.at("nmi"), 0);
  EXPECT_CONTAINS(evaluate({"--labels", "truth"}), "  adapt 2: ACC ");
}

TEST(Program, DrawsTheImagesNearestToOneOfEachCluster) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  ASSERT_EQ(program
                .run({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "ae", "--epochs", "1",
                      "--out", "run"})
                .code,
            0);
  const Outcome outcome = program.run({"nearest", "run", "--count", "4", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // Cells of 28 pixels in a frame of 3; the image, four, a gap and four; three clusters.
  EXPECT_EQ(outcome.json().at("width"), 10 * 34);
  EXPECT_EQ(outcome.json().at("height"), 3 * 34);
  EXPECT_EQ(program.read("nearest.png").substr(1, 3), "PNG");
  const std::string whole = program.read("run/embeddings.npy");
  program.write(
      "run/embeddings.npy",
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", std::string(4, '\0')));
  EXPECT_CONTAINS(program.run({"nearest", "run"}).err, "embeddings.npy holds 1 rows");
  program.write("run/embeddings.npy", whole);
  program.write("toy.csv", toy_csv(30));
  ASSERT_EQ(
      program.run({"cluster", "toy.csv", "-k", "3", "--label-column", "kind", "--out", "rows"})
          .code,
      0);
  EXPECT_CONTAINS(program.run({"nearest", "rows"}).err, "a run on features");
}

TEST(Program, InterruptedDeepRunResumesToTheSameResult) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(90));
  const std::vector<std::string> words{
      "cluster", "images-idx3-ubyte", "-k", "3", "--method", "ae", "--epochs",
      "60",      "--tensorboard"};
  auto with_out = [&](const char* out) {
    auto all = words;
    all.insert(all.end(), {"--out", out});
    return all;
  };
  const Outcome whole = program.run(with_out("whole"));
  ASSERT_EQ(whole.code, 0) << whole.err;
  const pid_t child = program.start(with_out("stopped"));
  for (int i = 0; i < 3000 && program.read("stopped/history.jsonl").empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  kill(child, SIGINT);
  const Outcome stopped = program.wait(child);
  ASSERT_EQ(stopped.code, 130) << "it may have ended before the signal: " << stopped.err;
  EXPECT_EQ(nlohmann::json::parse(program.read("stopped/manifest.json")).at("status"),
            "interrupted");
  EXPECT_CONTAINS(stopped.err, "go on with: coterie resume stopped");
  EXPECT_EQ(program.run({"evaluate", "stopped"}).code, 2);
  EXPECT_CONTAINS(program.run(with_out("stopped")).err, "coterie resume stopped");
  const Outcome resumed = program.run({"resume", "stopped"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  for (const char* name : {"assignments.csv", "embeddings.npy", "model.safetensors"})
    EXPECT_EQ(program.read(std::string("whole/") + name),
              program.read(std::string("stopped/") + name))
        << name;
  const auto files = event_files(program.file("stopped/tensorboard"));
  EXPECT_EQ(files.size(), 2u);
  std::int64_t epochs = 0;
  for (const auto& file : files) {
    auto events = read_events(file);
    events.erase(events.begin());  // the version
    for (const auto& event : events) EXPECT_EQ(event.step, ++epochs);
  }
  EXPECT_EQ(epochs, 60);
}

#if defined(COTERIE_IMAGES)
TEST(Program, NamesKeepTheirIdentityAndBadFilesAreListed) {
  Program program;
  // A one-pixel GIF, which every build of libvips reads.
  const std::string gif(
      "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00"
      "\x00\x02\x02L\x01\x00;",
      35);
  const std::string names[] = {"plain.gif", "comma,quote\".gif", "line\nbreak.gif",
                               std::string("latin\xe9.gif")};
  char shade = 1;
  for (const auto& name : names) {
    std::string image = gif;
    image.replace(13, 6, 6, shade);  // both colours of its palette
    shade = static_cast<char>(shade + 40);
    program.write("in/" + name, image);
  }
  program.write("in/broken.gif", "GIF89a");
  const Outcome outcome = program.run(
      {"cluster", "in", "-k", "2", "--method", "pac", "--out", "run", "--json", "--strict"});
  ASSERT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_EQ(outcome.json().at("bad_files"), 1);
  const std::string csv = program.read("run/assignments.csv");
  EXPECT_CONTAINS(csv, ",plain.gif,");
  EXPECT_CONTAINS(csv, ",\"comma,quote\"\".gif\",");
  EXPECT_CONTAINS(csv, ",\"line\nbreak.gif\",");
  EXPECT_CONTAINS(csv, ",latin\xe9.gif,");
  EXPECT_CONTAINS(program.read("run/bad_files.csv"), "broken.gif,");
  const Outcome predicted = program.run({"predict", "run", "in", "--json"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(predicted.json().at("predictions").size(), 4u);
  EXPECT_EQ(program.run({"resume", "run", "--no-report"}).code, 0);
  EXPECT_EQ(program.run({"resume", "run", "--strict"}).code, 3);
  EXPECT_CONTAINS(predicted.out, "{\"hex\":\"6c6174696ee92e676966\"}");
}
#endif

TEST(Program, PackTravels) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  ASSERT_EQ(program.run({"pack", "images-idx3-ubyte", "toy.pack"}).code, 0);
  const Outcome outcome = program.run({"cluster", "toy.pack", "-k", "3", "--out", "run", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json().at("n"), 30);
  EXPECT_CONTAINS(program.read("run/assignments.csv"), "images-idx3-ubyte#29");
}

TEST(Program, ListsAreJsonWhereAsked) {
  Program program;
  const auto methods = program.run({"methods", "--json"}).json().at("methods");
  ASSERT_GE(methods.size(), 3u);
  for (const auto& method : methods)
    for (const auto& parameter : method.at("parameters"))
      for (const char* key : {"name", "type", "default", "allowed", "help"})
        EXPECT_TRUE(parameter.contains(key)) << method.at("name");
  EXPECT_GE(program.run({"datasets", "--json"}).json().at("datasets").size(), 1u);
  const auto doctor = program.run({"doctor", "--json"}).json();
  EXPECT_TRUE(doctor.at("warnings").is_array());
  EXPECT_FALSE(doctor.at("libtorch").get<std::string>().empty());
}

TEST(Program, HelpAndCompletionCoverEveryCommand) {
  Program program;
  const Outcome help = program.run({"--help"});
  EXPECT_EQ(help.code, 0);
  const Outcome script = program.run({"completion", "bash"});
  for (const char* command :
       {"cluster", "resume", "predict", "evaluate", "export", "duplicates", "outliers", "pack",
        "views", "methods", "datasets", "doctor", "completion"}) {
    EXPECT_CONTAINS(help.out, command);
    EXPECT_CONTAINS(script.out, command);
    EXPECT_EQ(program.run({command, "--help"}).code, 0) << command;
    EXPECT_EQ(program.run({command, "--no-such-flag"}).code, 2) << command;
  }
  program.write("check.sh", script.out +
                                "COMP_WORDS=(coterie cluster --meth); COMP_CWORD=2; _coterie; "
                                "echo \"${COMPREPLY[@]}\"\n");
  const std::string command = "bash '" + program.file("check.sh").string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  char line[200] = {};
  ASSERT_NE(fgets(line, sizeof(line), pipe), nullptr);
  pclose(pipe);
  EXPECT_STREQ(line, "--method\n");
  std::string fish = program.run({"completion", "fish"}).out;
  EXPECT_CONTAINS(fish, "-a predict -d '");
  for (std::size_t at; (at = fish.find("\\'")) != std::string::npos;) fish.erase(at, 2);
  EXPECT_EQ(std::count(fish.begin(), fish.end(), '\'') % 2, 0);
  for (std::size_t at = 0; (at = fish.find(" -d '", at)) != std::string::npos; ++at)
    EXPECT_EQ(fish.find('\'', at + 5), fish.find('\n', at) - 1) << fish.substr(at, 80);
}

}  // namespace
}  // namespace coterie
