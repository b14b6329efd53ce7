// scaling [ROWS] [METHOD...]: each shallow method on ROWS (100,000) x 64 (20 blobs with noise) with
// one thread and with two: seconds and their ratio.
#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <cstdio>

#include "bench_data.h"
#include "coterie/core/parallel.h"
#include "coterie/methods/registry.h"

namespace {

double seconds_of(const std::string& name, coterie::ConstFeatures rows, int threads) {
  using namespace coterie;
  set_thread_count(threads);
  auto method = create_method(name);
  const double start = bench::now();
  method->fit({.count = rows.rows, .features = rows}, {.clusters = 20});
  return bench::now() - start;
}

}  // namespace

int main(int count, char** words) {
  using namespace coterie;
  std::vector<std::string> names(words + 1, words + count);
  std::int64_t size = 100'000;
  if (!names.empty() && std::isdigit(static_cast<unsigned char>(names[0][0]))) {
    size = std::stoll(names[0]);
    names.erase(names.begin());
  }
  if (names.empty())
    for (const auto& method : registered_methods())
      if (method.info.family == "shallow") names.push_back(method.info.name);
  const Matrix<float> rows = bench::blobs(size, 64, 20);
  Matrix<float> positive = rows;  // nmf takes sums of parts, which are not negative
  for (std::int64_t i = 0; i < positive.size(); ++i)
    positive.data()[i] = std::abs(positive.data()[i]);
  fmt::print("{:<16} {:>9} {:>9} {:>6}\n", "", "1 thread", "2 threads", "ratio");
  for (const auto& name : names) {
    const ConstFeatures given = name == "nmf" ? positive.view() : rows.view();
    const double one = seconds_of(name, given, 1), two = seconds_of(name, given, 2);
    fmt::print("{:<16} {:9.2f} {:9.2f} {:6.2f}\n", name, one, two, two / one);
    std::fflush(stdout);
  }
}
