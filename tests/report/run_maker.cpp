#include "report/run_maker.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <regex>

#include "coterie/core/files.h"
#include "coterie/report/report.h"
#include "data/png_reader.h"

namespace coterie::testing {
namespace {

/// Confidences in (0, 1) that differ row by row and rise with no order; ranks by counting.
std::vector<AssignedRow> rows_of(const std::vector<std::int32_t>& labels) {
  const auto n = static_cast<std::int64_t>(labels.size());
  std::vector<AssignedRow> rows(labels.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const double place = static_cast<double>(i * 7919 % n) / static_cast<double>(n);
    rows[i] = {fmt::format("image-{}.png", i), labels[i], static_cast<float>(0.1 + 0.9 * place), 0};
  }
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return rows[a].confidence > rows[b].confidence; });
  std::map<std::int32_t, std::int64_t> next;
  for (const auto i : order) rows[i].rank = next[rows[i].label]++;
  return rows;
}

LoadedRun run_of(const std::filesystem::path& folder, const std::vector<std::int32_t>& labels) {
  LoadedRun run;
  run.folder = RunFolder(folder);
  run.rows = rows_of(labels);
  for (const auto& row : run.rows) run.dataset.paths.push_back(row.path);
  run.clusters = *std::max_element(labels.begin(), labels.end()) + 1;
  run.dataset.source = "/data/photos";
  run.dataset.fingerprint = "f00d";
  run.manifest = {{"coterie", "9.8.7"},
                  {"command", "coterie cluster photos -k 3"},
                  {"method", "pac"},
                  {"seed", 42},
                  {"parameters", {{"m", "1.03"}, {"block_rows", "64"}}},
                  {"device", "cpu"},
                  {"threads", 2},
                  {"timings", {{"load", 1.25}, {"fit", 2.5}, {"write", 0.5}, {"total", 4.25}}}};
  run.metrics = {{"statistics", nlohmann::json::object()}};
  return run;
}

}  // namespace

LoadedRun image_run(const std::filesystem::path& folder, const std::vector<std::int32_t>& labels,
                    ImageShape shape) {
  LoadedRun run = run_of(folder, labels);
  run.dataset.shape = shape;
  const std::int64_t size = shape.pixels();
  auto pixels = std::make_shared<std::vector<std::uint8_t>>(labels.size() * size);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(labels.size()); ++i) {
    std::uint8_t* image = pixels->data() + i * size;
    auto noise = static_cast<std::uint32_t>(i);
    for (std::int64_t p = 0; p < size; ++p) {
      noise = noise * 1664525 + 1013904223;
      image[p] = static_cast<std::uint8_t>(noise >> 24);
    }
    // The image's own number, so that no two are alike.
    image[0] = static_cast<std::uint8_t>(i & 255);
    image[1] = static_cast<std::uint8_t>(i >> 8 & 255);
  }
  run.dataset.pixels = pixels->data();
  run.dataset.storage = pixels;
  return run;
}

LoadedRun feature_run(const std::filesystem::path& folder,
                      const std::vector<std::int32_t>& labels) {
  LoadedRun run = run_of(folder, labels);
  const auto n = static_cast<std::int64_t>(labels.size());
  auto features = std::make_shared<Matrix<float>>(n, 3);
  run.dataset.features = features->view();
  run.dataset.storage = features;
  for (std::int64_t i = 0; i < n; ++i) rename_row(run, i, fmt::format("table.csv#{}", i));
  return run;
}

void give_truth(LoadedRun& run, std::vector<std::int32_t> truth) {
  const std::int32_t classes = *std::max_element(truth.begin(), truth.end()) + 1;
  run.dataset.truth = std::move(truth);
  run.dataset.class_names.clear();
  for (std::int32_t c = 0; c < classes; ++c)
    run.dataset.class_names.push_back("class-" + std::string(1, static_cast<char>('a' + c)));
}

void give_map(const LoadedRun& run, const std::vector<float>& positions) {
  run.folder.write_matrix("map.npy",
                          {positions.data(), static_cast<std::int64_t>(positions.size()) / 2, 2});
}

std::vector<float> spiral(std::int64_t count) {
  std::vector<float> positions;
  for (std::int64_t i = 0; i < count; ++i) {
    const double angle = 0.5 * static_cast<double>(i);
    const double radius = 1 + static_cast<double>(i);
    positions.push_back(static_cast<float>(radius * std::cos(angle)));
    positions.push_back(static_cast<float>(radius * std::sin(angle)));
  }
  return positions;
}

void give_embeddings(const LoadedRun& run, const std::vector<float>& values, std::int64_t columns) {
  run.folder.write_matrix(
      "embeddings.npy",
      {values.data(), static_cast<std::int64_t>(values.size()) / columns, columns});
}

void rename_row(LoadedRun& run, std::int64_t row, const std::string& path) {
  run.rows[row].path = run.dataset.paths[row] = path;
}

std::vector<std::int32_t> even_labels(std::int64_t clusters, std::int64_t size) {
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < clusters * size; ++i)
    labels.push_back(static_cast<std::int32_t>(i % clusters));
  return labels;
}

std::string page_of(const LoadedRun& run) {
  Progress progress;
  return read_file(write_report(run, progress, CancelToken()));
}

std::string card_of(const std::string& page, std::int64_t cluster) {
  const std::size_t begin =
      page.find(fmt::format("<article class=\"cluster\" id=\"cluster-{}\"", cluster));
  if (begin == std::string::npos) return {};
  return page.substr(begin, page.find("</article>", begin) - begin);
}

std::string section_of(const std::string& page, const std::string& id) {
  const std::size_t begin = page.find("<section id=\"" + id + "\"");
  if (begin == std::string::npos) return {};
  return page.substr(begin, page.find("</section>", begin) - begin);
}

std::vector<ShownImage> images_in(const std::string& html) {
  const auto attribute = [](const std::string& tag, const std::string& name) {
    const std::size_t begin = tag.find(" " + name + "=\"");
    if (begin == std::string::npos) throw std::runtime_error("no " + name + " in " + tag);
    const std::size_t value = begin + name.size() + 3;
    return tag.substr(value, tag.find('"', value) - value);
  };
  constexpr std::string_view kData = "data:image/png;base64,";
  std::vector<ShownImage> images;
  for (std::size_t at = html.find("<img "); at != std::string::npos;
       at = html.find("<img ", at + 1)) {
    const std::size_t end = html.find('>', at);
    const std::string tag = html.substr(at, end - at);
    const std::string source = attribute(tag, "src");
    if (!source.starts_with(kData)) throw std::runtime_error("an image from elsewhere: " + source);
    const std::size_t text = html.find("<span>", end) + 6;
    images.push_back({attribute(tag, "alt"), attribute(tag, "title"),
                      from_base64(std::string_view(source).substr(kData.size())),
                      html.substr(text, html.find('<', text) - text)});
  }
  return images;
}

}  // namespace coterie::testing
