#pragma once

#include "coterie/methods/contrast_heads.h"

namespace coterie {

class RandomStream;

/// What the two branches of a semantic head make of images, [B, K] each.
struct Semantics {
  torch::Tensor predicted;  ///< p, of the projector and then the predictor
  torch::Tensor projected;  ///< q, of the projector
};

/// A projector of features onto clusters and, where asked for, a predictor on it. Without one both
/// branches are the projector.
class SemanticHead : public torch::nn::Module {
 public:
  SemanticHead(const MlpShape& projector, bool predictor);
  Semantics distributions(const torch::Tensor& features);

 private:
  Mlp projector_;
  Mlp predictor_{nullptr};
};

/// How the heads are made. 0 clusters: there is no such head.
struct DcscHeadsShape {
  ContrastHeadsShape contrast;
  std::int64_t semantic = 0;       ///< clusters of the semantic head
  std::int64_t over = 0;           ///< clusters of an auxiliary cluster head
  std::int64_t over_semantic = 0;  ///< and of an auxiliary semantic head
  bool clusters = true;            ///< whether the cluster head is trained, and stored
  bool predictor = true;
  /// Where k-means decides (`contrast.centres`), it looks at projections, or else at the backbone's
  /// outputs.
  bool projected = true;
};

/// The heads of DCSC (figure 1b): features, clusters, semantics, and auxiliary ones of the latter
/// two with more clusters.
class DcscHeads : public ContrastHeads {
 public:
  DcscHeads(const DcscHeadsShape& shape, RandomStream& weights);
  void see(const Description& description) override {
    nearest ? static_cast<void>(described(description.features)) : ContrastHeads::see(description);
  }

  /// Rows of unit length.
  torch::Tensor described(const torch::Tensor& features) override;

  std::shared_ptr<SemanticHead> semantic;       ///< null where there is none
  Mlp over{nullptr};                            ///< likewise
  std::shared_ptr<SemanticHead> over_semantic;  ///< likewise

 private:
  bool projected_;
};

}  // namespace coterie
