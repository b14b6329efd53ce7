#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/methods/method.h"
#include "coterie/metrics/scores.h"

namespace coterie {

/// How far a run came, as its manifest says.
enum class RunState { running, interrupted, finished };

/// One line of assignments.csv.
struct AssignedRow {
  std::string path;        ///< bytes
  std::int32_t label = 0;  ///< clusters are numbered by size, the largest is 0
  float confidence = 0;    ///< the probability of its cluster
  std::int64_t rank = 0;   ///< place within its cluster by confidence, 0 is the surest
};

/// A run folder (docs/run-folder.md): where a run's files are, and reading and writing them. All
/// writing but the history's is atomic, file by file; the manifest comes last.
class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const char* name) const { return path_ / name; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path tensorboard() const { return path_ / "tensorboard"; }
  std::filesystem::path snapshots() const { return path_ / "snapshots"; }
  std::filesystem::path report() const { return path_ / "report" / "index.html"; }

  bool has_manifest() const;
  /// Throws UserError where the folder is no run folder or its manifest is damaged.
  nlohmann::json read_manifest() const;
  RunState state() const;
  /// Throws UserError unless the run is finished; says how to finish it.
  nlohmann::json read_finished_manifest() const;
  void write_manifest(const nlohmann::json& manifest) const;

  void write_assignments(const std::vector<AssignedRow>& rows) const;
  /// Of a finished run. Throws UserError where the file was changed: another number of rows than
  /// the manifest has, or labels that are no clusters.
  std::vector<AssignedRow> read_assignments() const;
  /// The same, and throws where the rows are not of these paths, in their order.
  std::vector<AssignedRow> read_assignments(const std::vector<std::string>& paths) const;
  void write_bad_files(const std::vector<BadFile>& files) const;
  void write_matrix(const char* name, MatrixView<const float> matrix) const;
  /// Probabilities [N, K] as stored.
  Matrix<float> read_matrix(const char* name) const;
  void write_metrics(const nlohmann::json& metrics) const;
  nlohmann::json read_metrics() const;
  std::vector<nlohmann::json> read_history() const;

  /// `model` is method name, clusters, parameters, input form and label order.
  void write_model(const StoredModel& stored, const nlohmann::json& model) const;
  StoredModel read_model(nlohmann::json& model) const;

  /// What people said before the run was started, for a resume: nothing where that is nothing.
  /// `labels` as `read_corrections` gives them back.
  void write_corrections(const Corrections& corrections,
                         const std::vector<std::string>& paths) const;
  Corrections read_corrections(const std::vector<std::string>& paths) const;

  /// Name, size and sha256 of every output file that is there, for the manifest. Checkpoints, the
  /// report and event files, which no result is read from, are not among them.
  nlohmann::json list_files() const;

  /// Removes every file that a run writes, but not the folder.
  void remove_outputs() const;

  /// Held by whoever writes a run into the folder. Throws UserError where there is no such folder,
  /// or another process writes into it. A run that was set aside is brought back where a crash left
  /// no other in its place.
  FileLock lock() const;

  /// What a new run replaces is kept in `replaced()` until that is finished. The calls that change
  /// something are for the holder of the lock.
  std::filesystem::path replaced() const { return path_ / "replaced"; }
  bool has_replaced() const;
  /// Makes room for a new run: moves a finished one to `replaced()`, removes an unfinished one.
  void set_aside() const;
  /// Removes the run and brings back the one that was set aside.
  void bring_back() const;
  void remove_replaced() const;

 private:
  [[noreturn]] void fail_without_run() const;
  /// Throws UserError unless `label_order` of a model.json is a permutation of its clusters.
  void check_label_order(const nlohmann::json& model) const;
  void recover() const;
  std::filesystem::path path_;
};

/// history.jsonl while a run writes it: one line for each record, in the file when `append`
/// returns. A record whose stage and epoch are there already (from before an interruption) replaces
/// that line and all after it.
class HistoryWriter {
 public:
  /// Keeps the lines that are there where `resume`, starts empty otherwise.
  HistoryWriter(std::filesystem::path path, bool resume);
  void append(const nlohmann::json& record);
  /// Flushes to disk what was appended.
  void flush() const;
  /// What the epochs of earlier starts took, those that were not trained again.
  double earlier_seconds() const;

 private:
  std::filesystem::path path_;
  std::vector<nlohmann::json> lines_;
  std::size_t earlier_ = 0;  // lines from before this start
};

/// Renumbers clusters by size, largest first; equal sizes keep their order. Returns the new number
/// of each old one.
std::vector<std::int32_t> order_by_size(const std::vector<std::int32_t>& labels,
                                        std::int64_t clusters);
/// Applies `order` (new number of each old cluster) to labels and probabilities.
void renumber(Assignment& assignment, const std::vector<std::int32_t>& order);

/// ACC, NMI, ARI and purity by their names in metrics.json.
nlohmann::json figures_of(const Scores& scores);

/// The probability of each row's own cluster.
std::vector<float> confidences_of(const Assignment& assignment);

/// Rows of assignments.csv: label, confidence and rank of each path.
std::vector<AssignedRow> assigned_rows(const std::vector<std::string>& paths,
                                       const std::vector<std::int32_t>& labels,
                                       const std::vector<float>& confidences,
                                       std::int64_t clusters);
/// The label of each row.
std::vector<std::int32_t> labels_of(const std::vector<AssignedRow>& rows);

}  // namespace coterie
