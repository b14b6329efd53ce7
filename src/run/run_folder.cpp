#include "coterie/run/run_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "coterie/core/file_errors.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"
#include "coterie/data/npy.h"
#include "coterie/run/run_files.h"
#include "coterie/shallow/assignment.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

nlohmann::json parse_json_file(const fs::path& path) {
  auto json = nlohmann::json::parse(read_file(path), nullptr, false);
  if (json.is_discarded())
    throw UserError("{} is damaged: it is not JSON; cluster again", printable(path.native()));
  return json;
}

/// Moves a file or folder, which takes the place of what is there.
void move(const char* name, const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::remove_all(to / name, error);
  fs::rename(from / name, to / name, error);
  if (error) fail_on_file("move", from / name, error.value());
  flush_folder(to);
  flush_folder(from);
}

void move_all_but_manifest(const fs::path& from, const fs::path& to) {
  for (const auto& [name, role, holds] : run_files())
    if (role != RunFileRole::manifest && role != RunFileRole::kept && path_exists(from / name))
      move(name, from, to);
}

}  // namespace

bool RunFolder::has_manifest() const { return path_exists(file("manifest.json")); }

void RunFolder::fail_without_run() const {
  if (has_replaced())
    throw UserError(
        "{} was left while its run was being replaced; bring it back with: coterie resume {}",
        printable(path_.native()), printable(path_.native()));
  throw UserError(
      "{} is no run folder: it holds no manifest.json; give the folder that "
      "`coterie cluster` wrote (--out)",
      printable(path_.native()));
}

nlohmann::json RunFolder::read_manifest() const {
  if (!has_manifest()) fail_without_run();
  auto manifest = parse_json_file(file("manifest.json"));
  if (!manifest.is_object() || !manifest.contains("status") || !manifest.contains("settings"))
    throw UserError("{} holds a manifest.json that coterie did not write",
                    printable(path_.native()));
  return manifest;
}

RunState RunFolder::state() const {
  const std::string status = read_manifest().at("status");
  if (status == "finished") return RunState::finished;
  return status == "interrupted" ? RunState::interrupted : RunState::running;
}

nlohmann::json RunFolder::read_finished_manifest() const {
  auto manifest = read_manifest();
  if (manifest.at("status") != "finished")
    throw UserError("the run in {} is not finished; finish it with: coterie resume {}",
                    printable(path_.native()), printable(path_.native()));
  return manifest;
}

void RunFolder::write_manifest(const nlohmann::json& manifest) const {
  write_file(file("manifest.json"), manifest.dump(2) + "\n");
}

void RunFolder::write_assignments(const std::vector<AssignedRow>& rows) const {
  AtomicFile out(file("assignments.csv"));
  out.write("id,path,label,confidence,rank\n");
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.write(fmt::format("{},{},{},{:.6f},{}\n", i, csv_field(rows[i].path), rows[i].label,
                          rows[i].confidence, rows[i].rank));
  out.commit();
}

std::vector<AssignedRow> RunFolder::read_assignments() const {
  const nlohmann::json manifest = read_finished_manifest();
  const std::int64_t clusters = manifest.at("clusters");
  const std::size_t count = manifest.at("input").at("n");
  const fs::path path = file("assignments.csv");
  const std::string text = read_file(path);
  CsvReader reader(text, printable(path.native()));
  std::vector<std::string_view> fields;
  std::vector<AssignedRow> rows;
  rows.reserve(count);
  reader.next(fields);  // the header
  while (reader.next(fields)) {
    if (fields.size() != 5)
      throw UserError("{}, line {}: {} fields, expected 5; cluster again", printable(path.native()),
                      reader.line(), fields.size());
    AssignedRow row;
    row.path = fields[1];
    const std::int64_t label = parse_integer("label", fields[2]);
    if (label < 0 || label >= clusters)
      throw UserError(
          "{}, line {}: cluster {}, where one of 0 to {} is expected: the file was changed; "
          "cluster again",
          printable(path.native()), reader.line(), label, clusters - 1);
    row.label = static_cast<std::int32_t>(label);
    row.confidence = static_cast<float>(parse_real("confidence", fields[3]));
    row.rank = parse_integer("rank", fields[4]);
    rows.push_back(std::move(row));
  }
  if (rows.size() != count)
    throw UserError("{} holds {} rows where its run has {}: the file was changed; cluster again",
                    printable(path.native()), rows.size(), count);
  return rows;
}

std::vector<AssignedRow> RunFolder::read_assignments(const std::vector<std::string>& paths) const {
  std::vector<AssignedRow> rows = read_assignments();
  const std::string name = printable(file("assignments.csv").native());
  if (rows.size() != paths.size())
    throw UserError("{} holds {} rows where its data has {}; cluster again", name, rows.size(),
                    paths.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (rows[i].path != paths[i])
      throw UserError("{}: row {} is {}, where {} is expected: the file was changed; cluster again",
                      name, i, printable(rows[i].path), printable(paths[i]));
  return rows;
}

void RunFolder::write_bad_files(const std::vector<BadFile>& files) const {
  AtomicFile out(file("bad_files.csv"));
  out.write("path,cause\n");
  for (const auto& bad : files) out.write(csv_field(bad.path) + "," + csv_field(bad.cause) + "\n");
  out.commit();
}

void RunFolder::write_matrix(const char* name, MatrixView<const float> matrix) const {
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", matrix.rows, matrix.cols);
  // The data starts on a multiple of 64 bytes, as the format asks.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());
  AtomicFile out(file(name));
  out.write(std::string_view("\x93NUMPY\x01\x00", 8));
  out.write(&length, sizeof(length));
  out.write(header);
  out.write(matrix.data, static_cast<std::size_t>(matrix.size()) * sizeof(float));
  out.commit();
}

Matrix<float> RunFolder::read_matrix(const char* name) const {
  const FeatureRows rows = NpyFile(file(name)).features();
  Matrix<float> matrix(rows.values.rows, rows.values.cols);
  std::copy_n(rows.values.data, rows.values.size(), matrix.data());
  return matrix;
}

void RunFolder::write_metrics(const nlohmann::json& metrics) const {
  write_file(file("metrics.json"), metrics.dump(2) + "\n");
}

nlohmann::json RunFolder::read_metrics() const { return parse_json_file(file("metrics.json")); }

std::vector<nlohmann::json> RunFolder::read_history() const {
  std::vector<nlohmann::json> lines;
  if (!path_exists(file("history.jsonl"))) return lines;
  const std::string text = read_file(file("history.jsonl"));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    auto line = nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
    // A power cut may leave half a line at the end.
    if (line.is_object()) lines.push_back(std::move(line));
    begin = end + 1;
  }
  return lines;
}

void RunFolder::write_model(const StoredModel& stored, const nlohmann::json& model) const {
  write_safetensors(file("model.safetensors"), stored.tensors);
  nlohmann::json whole = model;
  whole["meta"] = stored.meta;
  write_file(file("model.json"), whole.dump(2) + "\n");
}

void RunFolder::check_label_order(const nlohmann::json& model) const {
  try {
    const auto clusters = model.at("clusters").get<std::int64_t>();
    auto order = model.at("label_order").get<std::vector<std::int64_t>>();
    std::ranges::sort(order);
    bool each_once = std::cmp_equal(order.size(), clusters);
    for (std::size_t k = 0; k < order.size(); ++k)
      each_once = each_once && std::cmp_equal(order[k], k);
    if (each_once) return;
    throw UserError("{} is damaged: its label_order is not each of {} clusters once; cluster again",
                    printable(file("model.json").native()), clusters);
  } catch (const nlohmann::json::exception& error) {
    throw UserError("{} is damaged ({}); cluster again", printable(file("model.json").native()),
                    error.what());
  }
}

StoredModel RunFolder::read_model(nlohmann::json& model) const {
  model = parse_json_file(file("model.json"));
  check_label_order(model);
  return {read_safetensors(file("model.safetensors")).tensors,
          model.value("meta", nlohmann::json::object())};
}

void RunFolder::write_corrections(const Corrections& corrections,
                                  const std::vector<std::string>& paths) const {
  if (!corrections.constraints.empty())
    write_file(file("corrections.csv"), constraints_csv(corrections.constraints, paths));
  if (!corrections.labels.empty())
    write_file(file("corrections.json"), nlohmann::json({{"labels", corrections.labels}}).dump());
}

Corrections RunFolder::read_corrections(const std::vector<std::string>& paths) const {
  Corrections corrections;
  if (path_exists(file("corrections.csv")))
    corrections.constraints = read_constraints(file("corrections.csv"), paths);
  if (path_exists(file("corrections.json"))) {
    const auto stored = parse_json_file(file("corrections.json"));
    try {
      stored.at("labels").get_to(corrections.labels);
    } catch (const nlohmann::json::exception& error) {
      throw UserError("{} is damaged ({}); cluster again",
                      printable(file("corrections.json").native()), error.what());
    }
  }
  return corrections;
}

nlohmann::json RunFolder::list_files() const {
  auto files = nlohmann::json::array();
  for (const auto& [name, role, holds] : run_files()) {
    if (role != RunFileRole::output) continue;
    std::error_code error;
    const auto bytes = fs::file_size(file(name), error);
    if (error) continue;
    files.push_back({{"name", name}, {"bytes", bytes}, {"sha256", sha256_file(file(name))}});
  }
  return files;
}

void RunFolder::remove_outputs() const {
  std::error_code ignored;
  for (const auto& [name, role, holds] : run_files())  // The manifest is the first of them.
    if (role != RunFileRole::kept) fs::remove_all(file(name), ignored);
}

FileLock RunFolder::lock() const {
  std::error_code ignored;
  if (!fs::is_directory(path_, ignored)) fail_without_run();
  FileLock lock(path_, fmt::format("another process of coterie has {} open for writing; wait until "
                                   "it is done, or end it",
                                   printable(path_.native())));
  recover();
  for (const fs::path& folder : {path_, checkpoints(), snapshots()}) remove_abandoned_files(folder);
  return lock;
}

bool RunFolder::has_replaced() const { return RunFolder(replaced()).has_manifest(); }

void RunFolder::set_aside() const {
  if (!has_manifest()) return;
  if (state() != RunState::finished) return remove_outputs();
  remove_replaced();
  create_folder(replaced());
  // The manifest first: without it no part of a run passes for a whole one.
  move("manifest.json", path_, replaced());
  move_all_but_manifest(path_, replaced());
}

void RunFolder::bring_back() const {
  remove_outputs();
  recover();
}

void RunFolder::recover() const {
  if (!has_replaced()) return;
  if (has_manifest()) {
    // It ended before it could remove what it replaced.
    if (state() == RunState::finished) remove_replaced();
    return;
  }
  move_all_but_manifest(replaced(), path_);
  move("manifest.json", replaced(), path_);
  remove_replaced();
}

void RunFolder::remove_replaced() const {
  std::error_code ignored;
  fs::remove_all(replaced(), ignored);
}

HistoryWriter::HistoryWriter(fs::path path, bool resume) : path_(std::move(path)) {
  if (resume) lines_ = RunFolder(path_.parent_path()).read_history();
  earlier_ = lines_.size();
  std::string text;
  for (const auto& line : lines_) text += line.dump() + "\n";
  write_file(path_, text);
}

void HistoryWriter::append(const nlohmann::json& record) {
  const auto same = [&](const nlohmann::json& line) {
    return line.value("stage", "") == record.value("stage", "") &&
           line.value("epoch", -1) == record.value("epoch", -1);
  };
  const auto end = lines_.begin() + static_cast<std::ptrdiff_t>(earlier_);
  const auto repeated = std::find_if(lines_.begin(), end, same);
  if (repeated != end) {
    lines_.erase(repeated, lines_.end());
    earlier_ = lines_.size();
    lines_.push_back(record);
    std::string text;
    for (const auto& line : lines_) text += line.dump() + "\n";
    write_file(path_, text);
    return;
  }
  lines_.push_back(record);
  const std::string text = record.dump() + "\n";
  const int descriptor = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const bool written = descriptor >= 0 && ::write(descriptor, text.data(), text.size()) ==
                                              static_cast<ssize_t>(text.size());
  if (descriptor >= 0) ::close(descriptor);
  if (!written)
    throw UserError("cannot write {}; check that its disk has space", printable(path_.native()));
}

void HistoryWriter::flush() const { flush_file(path_); }

double HistoryWriter::earlier_seconds() const {
  const auto end = lines_.begin() + static_cast<std::ptrdiff_t>(earlier_);
  return std::accumulate(lines_.begin(), end, 0.0, [](double sum, const nlohmann::json& line) {
    return sum + line.value("seconds", 0.0);
  });
}

std::vector<std::int32_t> order_by_size(const std::vector<std::int32_t>& labels,
                                        std::int64_t clusters) {
  const std::vector<std::int64_t> sizes = cluster_sizes(labels, clusters);
  std::vector<std::int32_t> by_size(sizes.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](auto a, auto b) { return sizes[a] > sizes[b]; });
  std::vector<std::int32_t> order(sizes.size());
  for (std::size_t place = 0; place < by_size.size(); ++place)
    order[by_size[place]] = static_cast<std::int32_t>(place);
  return order;
}

void renumber(Assignment& assignment, const std::vector<std::int32_t>& order) {
  for (auto& label : assignment.labels) label = order[label];
  std::vector<float> row(order.size());
  for (std::int64_t i = 0; i < assignment.probabilities.rows(); ++i) {
    float* p = assignment.probabilities.row(i);
    for (std::size_t k = 0; k < order.size(); ++k) row[order[k]] = p[k];
    std::copy(row.begin(), row.end(), p);
  }
}

std::vector<float> confidences_of(const Assignment& assignment) {
  std::vector<float> confidences(assignment.labels.size());
  for (std::size_t i = 0; i < confidences.size(); ++i)
    confidences[i] = assignment.probabilities(static_cast<std::int64_t>(i), assignment.labels[i]);
  return confidences;
}

std::vector<AssignedRow> assigned_rows(const std::vector<std::string>& paths,
                                       const std::vector<std::int32_t>& labels,
                                       const std::vector<float>& confidences,
                                       std::int64_t clusters) {
  const std::size_t n = paths.size();
  std::vector<AssignedRow> rows(n);
  for (std::size_t i = 0; i < n; ++i) rows[i] = {paths[i], labels[i], confidences[i], 0};
  std::vector<std::size_t> by_confidence(n);
  std::iota(by_confidence.begin(), by_confidence.end(), std::size_t{0});
  std::stable_sort(by_confidence.begin(), by_confidence.end(),
                   [&](auto a, auto b) { return rows[a].confidence > rows[b].confidence; });
  std::vector<std::int64_t> next(static_cast<std::size_t>(clusters));
  for (const std::size_t i : by_confidence) rows[i].rank = next[rows[i].label]++;
  return rows;
}

nlohmann::json figures_of(const Scores& scores) {
  return {{"acc", scores.acc}, {"nmi", scores.nmi}, {"ari", scores.ari}, {"purity", scores.purity}};
}

std::vector<std::int32_t> labels_of(const std::vector<AssignedRow>& rows) {
  std::vector<std::int32_t> labels;
  labels.reserve(rows.size());
  for (const auto& row : rows) labels.push_back(row.label);
  return labels;
}

}  // namespace coterie
