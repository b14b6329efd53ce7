#include "coterie/data/labels.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"
#include "coterie/data/idx.h"
#include "coterie/data/load.h"
#include "coterie/data/npy.h"
#include "coterie/data/sniff.h"
#include "coterie/data/source.h"
#include "coterie/data/truth_folders.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::size_t kNamed = 3;  // paths that a message lists

/// The value of an integer in its shortest form: "07" and "7" are two names.
std::optional<std::int64_t> integer_of(const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || std::to_string(value) != text) return std::nullopt;
  return value;
}

std::string list_of(const std::vector<std::string>& paths) {
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(kNamed, paths.size()); ++i)
    named.push_back(fmt::format("'{}'", printable(paths[i])));
  if (paths.size() > kNamed) named.push_back(fmt::format("... ({} in all)", paths.size()));
  return join(named, ", ");
}

/// Places of the columns path and label.
std::pair<std::size_t, std::size_t> label_columns(const std::vector<std::string_view>& header,
                                                  const std::string& name) {
  std::size_t places[2];
  const std::string_view wanted[2] = {"path", "label"};
  for (int k = 0; k < 2; ++k) {
    const auto found = std::find(header.begin(), header.end(), wanted[k]);
    if (found == header.end()) {
      const std::vector<std::string> names(
          header.begin(), header.begin() + std::min<std::ptrdiff_t>(20, std::ssize(header)));
      throw UserError(
          "{} has no column '{}': a csv of labels begins with the line 'path,label'; "
          "this one begins with '{}'",
          name, wanted[k], printable(join(names, ",")));
    }
    places[k] = static_cast<std::size_t>(found - header.begin());
  }
  return {places[0], places[1]};
}

void attach_folders(Dataset& dataset) {
  const bool rows_of_array =
      !dataset.has_images() || (!dataset.paths.empty() && dataset.paths[0].ends_with("#0") &&
                                !path_exists(fs::path(dataset.source) / dataset.paths[0]));
  if (rows_of_array)
    throw UserError(
        "labels 'folders': {} is an array, whose rows lie in no folders; give a label "
        "file (IDX, .npy or .csv)",
        printable(dataset.source));
  const std::vector<std::string> names = truth_folder_of(dataset.paths);
  const auto rootless = std::find(names.begin(), names.end(), "");
  if (rootless != names.end())
    throw UserError(
        "labels 'folders': '{}' lies in no class folder inside {}; put every image into "
        "a folder named after its class, or give a label file",
        printable(dataset.paths[rootless - names.begin()]), printable(dataset.source));
  Truth truth = encode_truth(names);
  dataset.truth = std::move(truth.labels);
  dataset.class_names = std::move(truth.class_names);
}

}  // namespace

Truth encode_truth(std::span<const std::int64_t> values) {
  std::vector<std::int64_t> classes(values.begin(), values.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  Truth truth;
  for (const std::int64_t value : classes) truth.class_names.push_back(std::to_string(value));
  truth.labels.reserve(values.size());
  for (const std::int64_t value : values)
    truth.labels.push_back(static_cast<std::int32_t>(
        std::lower_bound(classes.begin(), classes.end(), value) - classes.begin()));
  return truth;
}

Truth encode_truth(const std::vector<std::string>& texts) {
  std::vector<std::int64_t> integers;
  for (const auto& text : texts) {
    const auto value = integer_of(text);
    if (!value) break;
    integers.push_back(*value);
  }
  if (integers.size() == texts.size()) return encode_truth(integers);

  Truth truth;
  std::unordered_map<std::string_view, std::int32_t> classes;
  for (const auto& text : texts) classes.emplace(text, 0);
  for (const auto& [text, label] : classes) truth.class_names.emplace_back(text);
  std::sort(truth.class_names.begin(), truth.class_names.end());
  for (std::size_t c = 0; c < truth.class_names.size(); ++c)
    classes[truth.class_names[c]] = static_cast<std::int32_t>(c);
  truth.labels.reserve(texts.size());
  for (const auto& text : texts) truth.labels.push_back(classes[text]);
  return truth;
}

Truth read_path_labels(const fs::path& csv, const std::vector<std::string>& paths) {
  const MappedFile file(csv);
  const std::string name = shown(csv);
  CsvReader reader({reinterpret_cast<const char*>(file.bytes().data()), file.size()}, name);
  std::vector<std::string_view> fields;
  if (!reader.next(fields))
    throw UserError("{} is empty; a csv of labels begins with the line 'path,label'", name);
  const std::size_t width = fields.size();
  const auto [path_at, label_at] = label_columns(fields, name);

  std::unordered_map<std::string_view, std::size_t> rows;
  for (std::size_t i = 0; i < paths.size(); ++i) rows.emplace(paths[i], i);
  std::vector<std::string> labels(paths.size());
  std::vector<std::int64_t> lines(paths.size(), 0);
  std::vector<std::string> twice;
  while (reader.next(fields)) {
    if (fields.size() != width)
      throw UserError("{}: line {} has {} fields where the header has {}", name, reader.line(),
                      fields.size(), width);
    const auto found = rows.find(fields[path_at]);
    if (found == rows.end()) continue;
    if (fields[label_at].empty())
      throw UserError("{}: line {} has no label for '{}'", name, reader.line(),
                      printable(fields[path_at]));
    if (lines[found->second] != 0) twice.emplace_back(fields[path_at]);
    lines[found->second] = reader.line();
    labels[found->second] = fields[label_at];
  }
  if (!twice.empty())
    throw UserError("{} has more than one label for {}; leave one for each path", name,
                    list_of(twice));
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (lines[i] == 0) missing.push_back(paths[i]);
  if (!missing.empty())
    throw UserError(
        "{} has no label for {} of {} images: {}; paths are compared byte by byte and "
        "are relative to the input",
        name, missing.size(), paths.size(), list_of(missing));
  return encode_truth(labels);
}

std::vector<std::int64_t> read_label_file(const fs::path& path) {
  switch (sniff(path)) {
    case Form::npy:
      return NpyFile(path).labels();
    case Form::idx:
      return read_idx_labels(path);
    default:
      throw UserError(
          "{} is no label file; ground truth is an IDX file of labels, an .npy of "
          "integers, a .csv with the columns path and label, or 'folders'",
          shown(path));
  }
}

void attach_truth(Dataset& dataset, const std::string& labels) {
  if (labels == kFolderLabels) return attach_folders(dataset);
  const fs::path path = labels;
  std::error_code error;
  if (!fs::exists(path, error)) fail_missing("label file", path, {kFolderLabels});
  Truth truth;
  if (sniff(path) == Form::csv) {
    truth = read_path_labels(path, dataset.paths);
  } else {
    const auto values = read_label_file(path);
    if (std::cmp_not_equal(values.size(), dataset.size())) {
      const std::size_t bad = dataset.bad_files.size();
      throw UserError("{} holds {} labels, but {} holds {} {}{}", shown(path), values.size(),
                      printable(dataset.source), dataset.size(),
                      dataset.has_images() ? "images" : "rows",
                      bad == 0 ? "; give the labels of this data set"
                               : fmt::format(" ({} more could not be used); give a csv with the "
                                             "columns path and label",
                                             bad));
    }
    truth = encode_truth(values);
  }
  dataset.truth = std::move(truth.labels);
  dataset.class_names = std::move(truth.class_names);
}

}  // namespace coterie
