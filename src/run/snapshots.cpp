#include "coterie/run/snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "coterie/core/files.h"
#include "coterie/core/random.h"
#include "coterie/core/text.h"
#include "coterie/run/run_folder.h"

namespace coterie {

namespace {

/// What a snapshot's name ends with.
std::string epoch_suffix(std::int64_t epoch) { return fmt::format("-{:04}", epoch); }

}  // namespace

std::vector<std::string> snapshot_names(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string stem = entry.path().stem().native();
    if (entry.path().extension() == ".npy" && !stem.ends_with("-map") &&
        !stem.ends_with("-probabilities"))
      names.push_back(stem);
  }
  std::ranges::sort(names);
  return names;
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
  const std::string name = stage + epoch_suffix(epoch);
  folder.write_matrix((name + ".npy").c_str(), seen.embeddings);
  if (!seen.probabilities.empty())
    folder.write_matrix((name + "-probabilities.npy").c_str(), seen.probabilities);
}

std::vector<std::int64_t> SnapshotWriter::missing(std::vector<std::int64_t> epochs) const {
  const auto names = snapshot_names(folder_);
  std::erase_if(epochs, [&](std::int64_t epoch) {
    return std::ranges::any_of(names, [suffix = epoch_suffix(epoch)](const std::string& name) {
      return name.ends_with(suffix);
    });
  });
  return epochs;
}

}  // namespace coterie
