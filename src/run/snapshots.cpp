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

}  // namespace coterie
