#pragma once

#include <cstdint>
#include <vector>

#include "coterie/data/constraints.h"
#include "coterie/nn/torch.h"

namespace coterie {

/// The pairs that were asked about, and what was answered, as checkpoints hold them.
class Answers : public torch::nn::Module {
 public:
  /// Room for so many pairs.
  explicit Answers(std::int64_t capacity);

  /// Takes constraints that were known before.
  void add(const std::vector<Constraint>& known);
  /// Takes questions with the answers to some of them, in any order.
  void add(const std::vector<ImagePair>& questions, const std::vector<Constraint>& answers);

  std::vector<ImagePair> asked() const;
  std::vector<Constraint> constraints() const;
  std::int64_t count(Link link) const;
  /// How many pairs have an answer: the items that training goes over.
  std::int64_t answered() const { return count(Link::must) + count(Link::cannot); }

  /// The images of some answered pairs, each once, ascending.
  std::vector<std::int64_t> images_of(const std::vector<std::int64_t>& items) const;
  /// Answered pairs as places in `images`, which `images_of` gave: [B] int64 each, and [B] float, 1
  /// where the pair belongs together.
  struct Places {
    torch::Tensor first;
    torch::Tensor second;
    torch::Tensor must;
  };
  Places within(const std::vector<std::int64_t>& items,
                const std::vector<std::int64_t>& images) const;

 private:
  void append(std::int64_t a, std::int64_t b, std::int64_t answer);
  /// The rows of pairs_ that have an answer.
  std::vector<std::int64_t> answered_rows() const;

  torch::Tensor pairs_;  // [capacity, 3]: two images and 1 (must), 0 (cannot) or -1 (no answer)
  torch::Tensor count_;  // [1], rows of pairs_ in use
};

}  // namespace coterie
