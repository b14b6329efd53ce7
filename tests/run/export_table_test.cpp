#include "coterie/run/export_table.h"

#include <gtest/gtest.h>

#include "run/made_run.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
namespace fs = std::filesystem;

class ExportTable : public ::testing::Test {
 protected:
  void make_run(const std::vector<AssignedRow>& rows, const std::string& labels = "") {
    for (const auto& row : rows) write_bytes(photos() / row.path, "x");
    write_made_run(folder_ / "run", photos(), rows, 11, labels);
  }
  fs::path photos() const { return folder_ / "photos"; }
  fs::path write(TableForm form, const char* to) {
    return export_table(folder_ / "run", folder_ / to, form, progress_);
  }

  TemporaryFolder folder_;
  Warnings progress_;
};

TEST_F(ExportTable, CsvQuotesWhatNeedsIt) {
  make_run({{"a,b.jpg", 10, 0.25f, 0}, {"caf\xe9.jpg", 0, 1.0f, 0}});
  EXPECT_EQ(read_bytes(write(TableForm::csv, "t.csv")),
            "path,cluster,confidence\n\"a,b.jpg\",10,0.250000\ncaf\xe9.jpg,0,1.000000\n");
}

TEST_F(ExportTable, NamesOfClustersStandInEveryForm) {
  make_run({{"a.jpg", 0, 0.5f, 0}, {"b.jpg", 0, 0.5f, 0}});
  ExportedClusters left = exported_clusters(RunFolder(folder_ / "run"));
  left.labels = {0, 1};
  left.names[1] = "dogs, all";
  const auto written = [&](TableForm form, const char* to) {
    return read_bytes(export_table(folder_ / "run", folder_ / to, form, progress_, left));
  };
  EXPECT_EQ(written(TableForm::csv, "t.csv"),
            "path,cluster,confidence,name\na.jpg,0,0.500000,\nb.jpg,1,0.500000,\"dogs, all\"\n");
  std::istringstream lines(written(TableForm::jsonl, "t.jsonl"));
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(nlohmann::json::parse(first).contains("name"));
  EXPECT_EQ(nlohmann::json::parse(second).at("name"), "dogs, all");
  const auto samples = nlohmann::json::parse(written(TableForm::fiftyone, "samples")).at("samples");
  EXPECT_EQ(samples[0].at("prediction").at("label"), "cluster-00");
  EXPECT_EQ(samples[1].at("prediction").at("label"), "dogs, all");
}

TEST_F(ExportTable, JsonLinesHoldEveryName) {
  make_run({{"line\nbreak.jpg", 2, 0.25f, 0}, {"caf\xe9.jpg", 0, 1.0f, 0}});
  std::istringstream lines(read_bytes(write(TableForm::jsonl, "t.jsonl")));
  std::string first, second, more;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(std::getline(lines, more));
  EXPECT_EQ(nlohmann::json::parse(first),
            nlohmann::json({{"id", 0},
                            {"path", "line\nbreak.jpg"},
                            {"file", (photos() / "line\nbreak.jpg").native()},
                            {"cluster", 2},
                            {"confidence", 0.25}}));
  EXPECT_EQ(path_from_json(nlohmann::json::parse(second).at("path")), "caf\xe9.jpg");
}

TEST_F(ExportTable, FiftyOneHasPredictionAndGroundTruth) {
  make_run({{"cat/1.jpg", 10, 0.25f, 0}, {"dog/1.jpg", 0, 1.0f, 0}}, "folders");
  const fs::path file = write(TableForm::fiftyone, "dataset");
  EXPECT_EQ(file, folder_ / "dataset/samples.json");
  const auto samples = nlohmann::json::parse(read_bytes(file)).at("samples");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(
      samples[0],
      nlohmann::json({{"filepath", (photos() / "cat/1.jpg").native()},
                      {"tags", nlohmann::json::array()},
                      {"coterie_id", 0},
                      {"prediction",
                       {{"_cls", "Classification"}, {"label", "cluster-10"}, {"confidence", 0.25}}},
                      {"ground_truth", {{"_cls", "Classification"}, {"label", "cat"}}}}));
  EXPECT_EQ(samples[1].at("ground_truth").at("label"), "dog");
}

TEST_F(ExportTable, GroundTruthThatIsGoneIsLeftOutAndSaid) {
  make_run({{"a.jpg", 0, 1.0f, 0}}, "labels-that-are-gone.csv");
  const auto json = nlohmann::json::parse(read_bytes(write(TableForm::fiftyone, "dataset")));
  EXPECT_FALSE(json.at("samples")[0].contains("ground_truth"));
  EXPECT_CONTAINS(progress_.all(), "labels-that-are-gone.csv");
}

TEST_F(ExportTable, Refusals) {
  make_run({{"caf\xe9.jpg", 0, 1.0f, 0}});
  EXPECT_CONTAINS(user_error_of([&] { write(TableForm::fiftyone, "dataset"); }), "UTF-8");
  EXPECT_FALSE(fs::exists(folder_ / "dataset"));
  write_bytes(folder_ / "taken", "mine");
  EXPECT_CONTAINS(user_error_of([&] { write(TableForm::csv, "taken"); }), "nothing is overwritten");
  EXPECT_EQ(read_bytes(folder_ / "taken"), "mine");
  fs::remove_all(photos());
  EXPECT_CONTAINS(user_error_of([&] { write(TableForm::fiftyone, "other"); }), "--as copy");
  EXPECT_FALSE(fs::exists(folder_ / "other"));
  const auto line = nlohmann::json::parse(read_bytes(write(TableForm::jsonl, "t.jsonl")));
  EXPECT_FALSE(line.contains("file"));
}

}  // namespace
}  // namespace coterie
