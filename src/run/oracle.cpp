#include "coterie/run/oracle.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/random.h"
#include "coterie/core/text.h"

namespace coterie {

Oracle truth_oracle(const Dataset& data, double noise, std::uint64_t seed) {
  if (!data.has_truth())
    throw UserError(
        "--oracle truth: {} has no ground truth; give it with --labels, or another oracle",
        printable(data.source));
  return [&data, noise, seed](const std::vector<ImagePair>& pairs) {
    std::vector<Constraint> answers;
    for (const auto& [a, b] : pairs) {
      const auto [low, high] = std::minmax(a, b);
      // A pair's own stream: whenever it is asked about, the answer is the same.
      RandomStream random(seed, fmt::format("oracle/{}", low), static_cast<std::uint64_t>(high));
      const bool wrong = random.uniform() < noise;
      const bool together = (data.truth[low] == data.truth[high]) != wrong;
      answers.push_back({a, b, together ? Link::must : Link::cannot});
    }
    return answers;
  };
}

Oracle constraint_oracle(const std::vector<Constraint>& constraints, std::int64_t images) {
  const auto known = std::make_shared<ConstraintGraph>(images);
  for (const Constraint& constraint : constraints) known->add(constraint);
  return [known](const std::vector<ImagePair>& pairs) {
    std::vector<Constraint> answers;
    for (const auto& [a, b] : pairs)
      if (const auto link = known->between(a, b)) answers.push_back({a, b, *link});
    return answers;
  };
}

}  // namespace coterie
