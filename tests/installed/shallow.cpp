// Clusters three groups of points with PAC and k-means through the installed package.
#include <cstdio>

#include "coterie/core/random.h"
#include "coterie/metrics/scores.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/pac.h"

int main() {
  coterie::Matrix<float> points(300, 2);
  std::vector<std::int32_t> truth;
  coterie::RandomStream random(0, "points");
  for (int i = 0; i < 300; ++i) {
    truth.push_back(i % 3);
    points(i, 0) = static_cast<float>(10 * (i % 3) + random.normal());
    points(i, 1) = static_cast<float>(random.normal());
  }
  const auto by_pac = coterie::Pac({.restarts = 3}).fit(points, 3, {.seed = 1});
  const auto by_kmeans = coterie::KMeans({.restarts = 3}).fit(points, 3, {.seed = 1});
  const double pac = coterie::accuracy(by_pac.labels, truth);
  const double kmeans = coterie::accuracy(by_kmeans.labels, truth);
  std::printf("pac %.3f, kmeans %.3f\n", pac, kmeans);
  return pac > 0.99 && kmeans > 0.99 ? 0 : 1;
}
