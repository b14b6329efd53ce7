#include "coterie/methods/kept_labels.h"

#include <algorithm>
#include <map>

#include "coterie/shallow/assignment.h"
#include "coterie/shallow/row_search.h"

namespace coterie {
namespace {

constexpr std::int64_t kMostNeighbours = 50;  // that go with an image, and at most
constexpr std::int64_t kClusterShare = 10;    // such a part of a mean cluster

/// The images, ascending, of whose constraints `labels` do not meet at least half: an image that
/// many are compared with is right where most agree with it.
std::vector<std::int64_t> misplaced(const std::vector<std::int32_t>& labels,
                                    const std::vector<Constraint>& constraints) {
  std::map<std::int64_t, std::int64_t> surplus;  // constraints not met beyond those that are
  for (const auto& [a, b, link] : constraints) {
    const bool met = (labels[a] == labels[b]) == (link == Link::must);
    for (const std::int64_t image : {a, b}) surplus[image] += met ? -1 : 1;
  }
  std::vector<std::int64_t> images;
  for (const auto& [image, count] : surplus)
    if (count >= 0) images.push_back(image);
  return images;
}

}  // namespace

std::vector<std::int32_t> kept_labels(const std::vector<std::int32_t>& given,
                                      const ImageOutputs& now,
                                      const std::vector<Constraint>& constraints) {
  std::vector<std::int32_t> kept = given.empty() ? argmax_rows(now.probabilities) : given;
  for (const std::int64_t image : misplaced(kept, constraints)) kept[image] = kFree;
  if (now.codes.rows() == 0) return kept;
  const std::vector<std::int32_t> found = argmax_rows(now.probabilities);
  const auto wrong = misplaced(found, constraints);
  if (wrong.empty()) return kept;
  std::vector<bool> known(kept.size());
  for (const auto& [a, b, link] : constraints) known[a] = known[b] = true;
  Matrix<float> codes(static_cast<std::int64_t>(wrong.size()), now.codes.cols());
  for (std::size_t i = 0; i < wrong.size(); ++i)
    std::copy_n(now.codes.row(wrong[i]), codes.cols(), codes.row(static_cast<std::int64_t>(i)));
  const std::int64_t cluster = now.codes.rows() / now.probabilities.cols();
  const std::int64_t count = 1 + std::min(kMostNeighbours, cluster / kClusterShare);
  const Neighbours near = nearest_rows(codes, now.codes, count);
  for (std::int64_t i = 0; i < codes.rows(); ++i)
    for (std::int64_t j = 0; j < count; ++j)
      if (const std::int64_t image = near.rows.row(i)[j];
          !known[image] && found[image] == found[wrong[i]])
        kept[image] = kFree;
  return kept;
}

}  // namespace coterie
