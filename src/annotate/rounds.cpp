#include "coterie/annotate/rounds.h"

#include <algorithm>
#include <cmath>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/npy.h"
#include "coterie/methods/adc/pair_selection.h"
#include "coterie/run/run_folder.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr std::size_t kMostCompared = 4000;

void check_rows(const RunFolder& folder, const char* file, std::int64_t found,
                std::int64_t expected) {
  if (found != expected)
    throw UserError("{} holds {} rows where its run has {}; cluster again",
                    printable(folder.file(file).native()), found, expected);
}

}  // namespace

fs::path round_folder(const fs::path& run, std::int64_t round) {
  return run / "rounds" / fmt::format("{:03}", round);
}

RoundResult read_round(const fs::path& path, const std::vector<std::string>& paths) {
  const RunFolder folder(path);
  const auto manifest = folder.read_finished_manifest();
  RoundResult result{.folder = path};
  result.clusters.clusters = manifest.at("clusters");
  const auto images = static_cast<std::int64_t>(paths.size());
  for (const AssignedRow& row : folder.read_assignments(paths)) {
    result.clusters.labels.push_back(row.label);
    result.clusters.confidences.push_back(row.confidence);
  }
  result.probabilities = NpyFile(folder.file("probabilities.npy")).features();
  check_rows(folder, "probabilities.npy", result.probabilities.values.rows, images);
  if (path_exists(folder.file("embeddings.npy"))) {
    result.embeddings = NpyFile(folder.file("embeddings.npy")).features();
    check_rows(folder, "embeddings.npy", result.embeddings.values.rows, images);
  }
  return result;
}

std::vector<RoundResult> read_rounds(const fs::path& run, const std::vector<std::string>& paths) {
  std::vector<RoundResult> rounds;
  rounds.push_back(read_round(run, paths));
  for (std::int64_t round = 1;; ++round) {
    const RunFolder folder(round_folder(run, round));
    if (!folder.has_manifest() || folder.state() != RunState::finished) return rounds;
    rounds.push_back(read_round(folder.path(), paths));
  }
}

Question question_about(const RoundResult& result, const ImagePair& pair) {
  return {pair, likely_together({result.probabilities.values, {}}, pair)};
}

std::vector<Question> plan_questions(const QuestionPlan& plan, const RoundResult& result,
                                     const std::vector<ImagePair>& asked) {
  const AssignedImages images{result.probabilities.values, result.embeddings.values};
  PairQuery query{.budget = plan.budget, .round = plan.round - 1, .seed = plan.seed};
  std::vector<Question> questions;
  std::vector<ImagePair> known = asked;
  const auto select = [&] {
    query.budget = plan.budget - static_cast<std::int64_t>(questions.size());
    if (query.budget == 0) return;
    for (const ImagePair& pair : select_pairs(query, images, known)) {
      questions.push_back(question_about(result, pair));
      known.push_back(pair);
    }
  };
  // A part of few images has few pairs, or none: then those of the next parts, then of all images.
  for (std::int64_t part = 0; part < query.rounds; ++part, ++query.round) select();
  query.strategy = PairStrategy::check;
  select();
  std::stable_sort(questions.begin(), questions.end(), [](const auto& x, const auto& y) {
    return std::abs(x.together - 0.5) < std::abs(y.together - 0.5);
  });
  return questions;
}

std::vector<std::int64_t> nearest_members(const RoundResult& result, std::int64_t image,
                                          const std::vector<std::int64_t>& members,
                                          std::int64_t count) {
  const ConstFeatures rows =
      result.embeddings.values.empty() ? result.probabilities.values : result.embeddings.values;
  const auto of_image = rows.row_span(image);
  std::vector<std::pair<double, std::int64_t>> near;
  for (std::size_t i = 0; i < std::min(members.size(), kMostCompared); ++i) {
    if (members[i] == image) continue;
    const auto other = rows.row_span(members[i]);
    double distance = 0;
    for (std::size_t d = 0; d < other.size(); ++d) {
      const double difference = double{of_image[d]} - other[d];
      distance += difference * difference;
    }
    near.emplace_back(distance, members[i]);
  }
  const auto kept = std::min(near.size(), static_cast<std::size_t>(count));
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(kept), near.end());
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < kept; ++i) ids.push_back(near[i].second);
  return ids;
}

}  // namespace coterie
