#pragma once

#include "coterie/methods/jdce/base_clusterings.h"
#include "coterie/methods/view_training.h"

namespace coterie {

/// Where the base clusterings come from.
enum class JdceBases {
  dropout,  ///< the cluster head with part of its hidden values left out
  heads,    ///< cluster heads that were trained from as many random starts
  kmeans,   ///< k-means of the backbone's outputs from as many seeds
  layers,   ///< k-means of what its layers give, in turn
  parts,    ///< k-means of random parts of the backbone's outputs, whitened
};

/// What decides the cluster of an image in the end.
enum class JdceLabels {
  kmeans,  ///< k-means of the head's outputs
  head,    ///< the largest of them
};

struct JdceParams : ViewTrainingParams {
  JdceParams() {
    epochs = 4;
    learning_rate = 1e-4;
    schedule = LearningRate::constant;
    weight_decay = 0;
  }
  std::int64_t pretrain_epochs = 20;
  double pretrain_rate = 1e-3;
  double pretrain_decay = 1e-4;
  double cluster_temperature = 1;
  double balance = 1;
  std::int64_t iterations = 5;
  std::int64_t members = 10;
  JdceBases bases = JdceBases::parts;
  KeptBases kept = KeptBases::alike;
  std::int64_t earlier = 1;
  std::int64_t head_epochs = 5;
  double least_dropout = 0.05;
  double most_dropout = 0.5;
  bool soft = false;
  bool unit_columns = false;
  bool matched = true;
  bool augment = false;
  double contrast = 1;
  double threshold = 0;
  bool joint = true;
  JdceLabels labels = JdceLabels::kmeans;

  static const Fields<JdceParams>& fields();
};

}  // namespace coterie
