// `coterie predict`, with distances, and as a stream of paths.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "program/program.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(PredictCommand, SaysHowFarEachRowIsFromItsCluster) {
  Program program;
  program.write("line.csv", "x\n0\n1\n2\n3\n100\n101\n102\n");
  ASSERT_EQ(
      program.run({"cluster", "line.csv", "-k", "2", "--method", "kmeans", "--out", "run"}).code,
      0);
  program.write("new.csv", "x\n1\n7\n101\n");
  const Outcome outcome = program.run({"predict", "run", "new.csv"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "path,label,confidence,distance,outlier");
  EXPECT_TRUE(lines[1].ends_with(",0.500000,false")) << lines[1];  // the mean is 1.5
  EXPECT_TRUE(lines[2].ends_with(",5.500000,true")) << lines[2];
  EXPECT_TRUE(lines[3].ends_with(",0.000000,false")) << lines[3];
  const auto json =
      program.run({"predict", "run", "new.csv", "--json", "--out", "found.csv"}).json();
  EXPECT_EQ(json.at("distance"), "euclidean");
  EXPECT_EQ(program.read("found.csv"), outcome.out);
  EXPECT_EQ(json.at("predictions")[1].at("distance"), 5.5);
  EXPECT_EQ(json.at("predictions")[1].at("outlier"), true);
  const Outcome bare = program.run({"predict", "run", "new.csv", "--no-distance", "--json"});
  EXPECT_TRUE(bare.json().at("distance").is_null());
  EXPECT_TRUE(bare.json().at("predictions")[1].at("distance").is_null());
  EXPECT_CONTAINS(program.run({"predict", "run", "new.csv", "--outlier-percentile", "0"}).err,
                  "above 0, up to 100");
  EXPECT_CONTAINS(program.run({"predict", "run", "new.csv", "-0"}).err, "stdin");
  EXPECT_CONTAINS(program.run({"predict", "run", "-"}).err, "on features");
}

#if defined(COTERIE_IMAGES)
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line)
    if (c == ',')
      fields.emplace_back();
    else
      fields.back() += c;
  return fields;
}

/// The program with pipes to its stdin and from its stdout.
class Piped {
 public:
  Piped(const Program& program, std::vector<std::string> words) {
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int end : {in[0], in[1], out[0], out[1]}) close(end);
      if (chdir(program.folder().c_str()) != 0 || !freopen("stderr.txt", "w", stderr)) _exit(99);
      std::vector<char*> argv{const_cast<char*>(COTERIE_PROGRAM)};
      for (auto& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(98);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = fdopen(out[0], "r");
  }
  ~Piped() { fclose(from_); }

  void write(const std::string& text) {
    EXPECT_EQ(::write(to_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Waits for a line.
  std::string line() {
    std::string text;
    for (int c = 0; (c = fgetc(from_)) != EOF && c != '\n';) text += static_cast<char>(c);
    return text;
  }
  /// Ends the input; the rest of the output and the exit code.
  std::pair<std::vector<std::string>, int> finish() {
    close(to_);
    std::string text;
    for (int c = 0; (c = fgetc(from_)) != EOF;) text += static_cast<char>(c);
    int status = 0;
    waitpid(child_, &status, 0);
    return {lines_of(text), WIFEXITED(status) ? WEXITSTATUS(status) : -1};
  }

 private:
  pid_t child_ = -1;
  int to_ = -1;
  FILE* from_ = nullptr;
};

class PredictStream : public ::testing::TestWithParam<const char*> {
 protected:
  /// A run on a folder of png files.
  void SetUp() override {
    program_.write("images-idx3-ubyte", idx_images(30));
    const auto done = [&](const std::vector<std::string>& words) {
      const Outcome outcome = program_.run(words);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
    };
    done({"cluster", "images-idx3-ubyte", "-k", "3", "--method", "kmeans", "--out", "first"});
    done({"export", "first", "--to", "png", "--as", "copy"});
    fs::remove(program_.file("png/coterie-undo.jsonl"));
    std::vector<std::string> words{"cluster",  "png",      "-k",    "3",
                                   "--method", GetParam(), "--out", "run"};
    if (words[5] == "ae") words.insert(words.end(), {"--epochs", "2", "--set", "batch_size=10"});
    done(words);
    const auto lines = lines_of(program_.read("run/assignments.csv"));
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const auto fields = fields_of(lines[i]);
      assigned_["png/" + fields[1]] = {fields[2], std::stod(fields[3])};
    }
    ASSERT_EQ(assigned_.size(), 30u);
  }

  Program program_;
  std::map<std::string, std::pair<std::string, double>> assigned_;  // label and confidence
};

TEST_P(PredictStream, LabelsTrainingImagesAsTheyComeAndGoesOnAfterBadOnes) {
  program_.write("broken.png", "this is text");
  Piped coterie(program_, {"predict", "run", "-"});
  EXPECT_EQ(coterie.line(), "path,label,confidence,distance,outlier,cause");
  const std::string first = assigned_.begin()->first;
  coterie.write(first + "\n");
  const std::string line = coterie.line();  // It is there before the input ends.
  EXPECT_TRUE(line.starts_with(first + "," + assigned_[first].first + ",")) << line;
  coterie.write("broken.png\n\nno,where.png\r\n");
  for (const auto& [path, unused] : assigned_) coterie.write(path + "\n");
  const auto [lines, code] = coterie.finish();
  EXPECT_EQ(code, 0);
  ASSERT_EQ(lines.size(), 32u);
  EXPECT_TRUE(lines[0].starts_with("broken.png,,,,,")) << lines[0];
  EXPECT_GT(lines[0].size(), std::string("broken.png,,,,,").size());
  EXPECT_TRUE(lines[1].starts_with("\"no,where.png\",,,,,")) << lines[1];
  std::size_t at = 2;
  int outliers = 0;
  for (const auto& [path, known] : assigned_) {
    const auto fields = fields_of(lines[at++]);
    ASSERT_EQ(fields.size(), 6u);
    EXPECT_EQ(fields[0], path);
    EXPECT_EQ(fields[1], known.first);
    EXPECT_NEAR(std::stod(fields[2]), known.second, 1e-4);
    EXPECT_GE(std::stod(fields[3]), 0);
    outliers += fields[4] == "true";
    EXPECT_EQ(fields[5], "");
  }
  EXPECT_EQ(outliers, 0);  // Of ten images a cluster all lie within the 99th percentile.
}

TEST_P(PredictStream, JsonLinesAndNulBetweenPaths) {
  const std::string odd = "line\nbreak.png";
  const std::string known = assigned_.begin()->first;
  fs::copy_file(program_.file(known), program_.file(odd));
  Piped coterie(program_, {"predict", "run", "-", "-0", "--json", "--strict"});
  coterie.write(odd + std::string(1, '\0') + "nowhere.png");
  const auto [lines, code] = coterie.finish();
  EXPECT_EQ(code, 3);
  ASSERT_EQ(lines.size(), 2u);
  const auto found = nlohmann::json::parse(lines[0]), bad = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(found.at("path"), odd);
  EXPECT_EQ(std::to_string(found.at("label").get<int>()), assigned_[known].first);
  EXPECT_FALSE(found.at("outlier").get<bool>());
  EXPECT_EQ(bad.at("path"), "nowhere.png");
  EXPECT_FALSE(bad.at("cause").get<std::string>().empty());
  EXPECT_FALSE(bad.contains("label"));
}

INSTANTIATE_TEST_SUITE_P(Methods, PredictStream, ::testing::Values("ae", "pac"),
                         [](const auto& instance) { return std::string(instance.param); });
#endif

}  // namespace
}  // namespace coterie
