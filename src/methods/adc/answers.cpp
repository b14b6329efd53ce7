#include "coterie/methods/adc/answers.h"

#include <algorithm>
#include <map>
#include <utility>

namespace coterie {
namespace {

constexpr std::int64_t kNoAnswer = -1;

std::int64_t code_of(Link link) { return link == Link::must ? 1 : 0; }

}  // namespace

Answers::Answers(std::int64_t capacity)
    : pairs_(register_buffer("pairs", torch::zeros({capacity, 3}, torch::kLong))),
      count_(register_buffer("count", torch::zeros({1}, torch::kLong))) {}

void Answers::append(std::int64_t a, std::int64_t b, std::int64_t answer) {
  auto* count = count_.data_ptr<std::int64_t>();
  auto* row = pairs_.data_ptr<std::int64_t>() + 3 * *count;
  row[0] = a;
  row[1] = b;
  row[2] = answer;
  ++*count;
}

void Answers::add(const std::vector<Constraint>& known) {
  for (const auto& [a, b, link] : known) append(a, b, code_of(link));
}

void Answers::add(const std::vector<ImagePair>& questions, const std::vector<Constraint>& answers) {
  std::map<std::pair<std::int64_t, std::int64_t>, Link> answer_of;
  for (const auto& [a, b, link] : answers) answer_of[std::minmax(a, b)] = link;
  for (const auto& [a, b] : questions) {
    const auto found = answer_of.find(std::minmax(a, b));
    append(a, b, found == answer_of.end() ? kNoAnswer : code_of(found->second));
  }
}

std::vector<ImagePair> Answers::asked() const {
  std::vector<ImagePair> pairs;
  const auto* row = pairs_.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count_.item<std::int64_t>(); ++i, row += 3)
    pairs.push_back({row[0], row[1]});
  return pairs;
}

std::vector<Constraint> Answers::constraints() const {
  const auto* pairs = pairs_.data_ptr<std::int64_t>();
  std::vector<Constraint> known;
  for (const std::int64_t i : answered_rows())
    known.push_back({pairs[3 * i], pairs[3 * i + 1],
                     pairs[3 * i + 2] == code_of(Link::must) ? Link::must : Link::cannot});
  return known;
}

std::int64_t Answers::count(Link link) const {
  const auto* row = pairs_.data_ptr<std::int64_t>();
  std::int64_t found = 0;
  for (std::int64_t i = 0; i < count_.item<std::int64_t>(); ++i, row += 3)
    found += row[2] == code_of(link);
  return found;
}

std::vector<std::int64_t> Answers::answered_rows() const {
  const auto* row = pairs_.data_ptr<std::int64_t>();
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count_.item<std::int64_t>(); ++i)
    if (row[3 * i + 2] != kNoAnswer) rows.push_back(i);
  return rows;
}

std::vector<std::int64_t> Answers::images_of(const std::vector<std::int64_t>& items) const {
  const auto rows = answered_rows();
  const auto* pairs = pairs_.data_ptr<std::int64_t>();
  std::vector<std::int64_t> images;
  for (const std::int64_t item : items) {
    images.push_back(pairs[3 * rows[item]]);
    images.push_back(pairs[3 * rows[item] + 1]);
  }
  std::sort(images.begin(), images.end());
  images.erase(std::unique(images.begin(), images.end()), images.end());
  return images;
}

Answers::Places Answers::within(const std::vector<std::int64_t>& items,
                                const std::vector<std::int64_t>& images) const {
  const auto rows = answered_rows();
  const auto* pairs = pairs_.data_ptr<std::int64_t>();
  const auto place = [&](std::int64_t image) {
    return std::lower_bound(images.begin(), images.end(), image) - images.begin();
  };
  std::vector<std::int64_t> first, second;
  std::vector<float> must;
  for (const std::int64_t item : items) {
    const auto* row = pairs + 3 * rows[item];
    first.push_back(place(row[0]));
    second.push_back(place(row[1]));
    must.push_back(static_cast<float>(row[2]));
  }
  return {torch::tensor(first, torch::kLong), torch::tensor(second, torch::kLong),
          torch::tensor(must)};
}

}  // namespace coterie
