// Lists the methods through the installed package, and clusters with one of them.
#include <cstdio>

#include "coterie/methods/registry.h"

int main() {
  for (const auto& method : coterie::registered_methods())
    std::printf("%s\n", method.info.name.c_str());
  coterie::Matrix<float> points(4, 1);
  points(2, 0) = points(3, 0) = 1;
  coterie::TrainingData data;
  data.count = points.rows();
  data.features = points;
  coterie::FitContext context;
  context.clusters = 2;
  const auto found = coterie::create_method("kmeans")->fit(data, context).labels;
  return found[0] == found[1] && found[2] == found[3] && found[0] != found[2] ? 0 : 1;
}
