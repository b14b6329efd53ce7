// pac_large [MILLIONS...]: the whole command `coterie cluster` with PAC on 1 and 10 million rows of
// 64 columns, K = 50 (blobs with noise, written to a scratch folder first). Prints seconds of the
// fit and of the command, and the peak memory against the size of the input.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench_data.h"

namespace {

using namespace coterie;
using namespace coterie::bench;

void write_blobs(const std::filesystem::path& path, std::int64_t rows) {
  BlobSource source(64, 50);
  std::ofstream file(path, std::ios::binary);
  file << npy_header(rows, 64);
  std::vector<float> block(64 * 1000);
  for (std::int64_t i = 0; i < rows; i += 1000) {
    for (std::int64_t b = 0; b < 1000; ++b) source.next(block.data() + 64 * b);
    file.write(reinterpret_cast<const char*>(block.data()), 4 * 64 * 1000);
  }
}

/// Runs the program; gives its peak memory in bytes.
double run_program(const std::string& input, const std::string& out) {
  const pid_t child = fork();
  if (child == 0) {
    if (!std::freopen("/dev/null", "w", stdout)) _exit(126);
    execl(COTERIE_PROGRAM, "coterie", "cluster", input.c_str(), "-k", "50", "--method", "pac",
          "--out", out.c_str(), "--no-report", "--quiet", nullptr);
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0)
    throw std::runtime_error("coterie failed");
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::string> millions(words + 1, words + count);
  if (millions.empty()) millions = {"1", "10"};
  fmt::print("{:>12} {:>8} {:>8} {:>10} {:>9} {:>10}\n", "rows", "fit s", "all s", "converged",
             "peak GB", "of input");
  for (const auto& text : millions) {
    const auto rows = static_cast<std::int64_t>(std::stod(text) * 1e6);
    const ScratchFolder folder;
    write_blobs(folder / "rows.npy", rows);
    const double peak = run_program((folder / "rows.npy").native(), (folder / "run").native());
    std::ifstream manifest_file(folder / "run/manifest.json"),
        metrics_file(folder / "run/metrics.json");
    const auto timings = nlohmann::json::parse(manifest_file).at("timings");
    const auto statistics = nlohmann::json::parse(metrics_file).at("statistics");
    fmt::print("{:>12} {:8.1f} {:8.1f} {:>10} {:9.2f} {:10.2f}\n", rows,
               timings.at("fit").get<double>(), timings.at("total").get<double>(),
               statistics.at("all_rows").at("converged").get<bool>() ? "yes" : "no", peak / 1e9,
               peak / (4.0 * 64 * static_cast<double>(rows)));
  }
}
