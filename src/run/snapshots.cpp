#include "coterie/run/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"
#include "coterie/metrics/scores.h"
#include "coterie/run/run_folder.h"
#include "coterie/shallow/assignment.h"

namespace fs = std::filesystem;

namespace coterie {

std::vector<Snapshot> snapshots_of(const fs::path& folder) {
  std::vector<Snapshot> found;
  std::map<std::string, fs::file_time_type> begun;  // stages, by their first file
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const fs::path& path = entry.path();
    const std::string name = path.stem().native();
    const std::size_t dash = name.rfind('-');
    if (path.extension() != ".npy" || dash == std::string::npos) continue;
    const std::string digits = name.substr(dash + 1);
    // Maps and probabilities end in a word.
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    found.push_back({name, name.substr(0, dash), parse_integer(name, digits)});
    const auto written = fs::last_write_time(path, ignored);
    const auto [stage, first] = begun.try_emplace(found.back().stage, written);
    if (!first) stage->second = std::min(stage->second, written);
  }
  std::ranges::sort(found, {}, [&](const Snapshot& one) {
    return std::tuple(begun.at(one.stage), one.stage, one.epoch);
  });
  return found;
}

std::vector<std::int64_t> sampled_rows(const fs::path& folder, std::int64_t count) {
  const fs::path path = folder / "rows.csv";
  const std::string text = read_file(path);
  CsvReader reader(text, printable(path.native()));
  std::vector<std::string_view> fields;
  std::vector<std::int64_t> rows;
  reader.next(fields);  // the header
  while (reader.next(fields)) {
    const std::int64_t row = fields.empty() ? -1 : parse_integer("row", fields[0]);
    if (row < 0 || row >= count)
      throw UserError(
          "{}, line {}: row {} is out of range: 0 to {}; cluster again with "
          "--snapshots",
          printable(path.native()), reader.line(), row, count - 1);
    rows.push_back(row);
  }
  return rows;
}

nlohmann::json snapshot_scores(const fs::path& folder, const std::vector<std::int32_t>& truth,
                               const CancelToken& cancel) {
  auto all = nlohmann::json::array();
  std::vector<std::int32_t> classes;
  for (const auto& [name, stage, epoch] : snapshots_of(folder)) {
    cancel.check();
    const std::string file = name + "-probabilities.npy";
    if (!path_exists(folder / file)) continue;
    if (classes.empty())
      for (const auto row : sampled_rows(folder, static_cast<std::int64_t>(truth.size())))
        classes.push_back(truth[static_cast<std::size_t>(row)]);
    const Matrix<float> probabilities = RunFolder(folder).read_matrix(file.c_str());
    if (probabilities.rows() != static_cast<std::int64_t>(classes.size()))
      throw UserError("{} has {} rows, and rows.csv beside it {}; cluster again with --snapshots",
                      printable((folder / file).native()), probabilities.rows(), classes.size());
    nlohmann::json one =
        figures_of(score(argmax_rows(probabilities), classes, probabilities.cols()));
    one.update({{"stage", stage}, {"epoch", epoch}});
    all.push_back(std::move(one));
  }
  return all;
}

SnapshotWriter::SnapshotWriter(std::filesystem::path folder, const Dataset& dataset)
    : folder_(std::move(folder)), dataset_(dataset) {}

TrainingData SnapshotWriter::sample() {
  const TrainingData all = dataset_.training_data();
  if (rows_.empty()) {
    RandomStream stream(0, "snapshots");
    rows_.resize(static_cast<std::size_t>(all.count));
    std::iota(rows_.begin(), rows_.end(), 0);
    stream.shuffle(std::span(rows_));
    rows_.resize(static_cast<std::size_t>(std::min(all.count, kImages)));
    std::ranges::sort(rows_);
    pixels_.reserve(rows_.size() * static_cast<std::size_t>(all.shape.pixels()));
    for (const auto row : rows_) {
      const auto image = all.image(row);
      pixels_.insert(pixels_.end(), image.begin(), image.end());
    }
  }
  return {.count = static_cast<std::int64_t>(rows_.size()),
          .pixels = pixels_.data(),
          .shape = all.shape};
}

void SnapshotWriter::write(const std::string& stage, std::int64_t epoch, const Clustering& seen) {
  create_folder(folder_);
  std::string csv = "row,path\n";
  for (const auto row : rows_) csv += fmt::format("{},{}\n", row, csv_field(dataset_.paths[row]));
  write_file(folder_ / "rows.csv", csv);
  const RunFolder folder(folder_);
  const std::string name = fmt::format("{}-{:04}", stage, epoch);
  folder.write_matrix((name + ".npy").c_str(), seen.embeddings);
  if (!seen.probabilities.empty())
    folder.write_matrix((name + "-probabilities.npy").c_str(), seen.probabilities);
}

std::vector<std::int64_t> SnapshotWriter::missing(std::vector<std::int64_t> epochs) const {
  const auto snapshots = snapshots_of(folder_);
  std::erase_if(epochs, [&](std::int64_t epoch) {
    return std::ranges::find(snapshots, epoch, &Snapshot::epoch) != snapshots.end();
  });
  return epochs;
}

}  // namespace coterie
