#pragma once

#include <vector>

#include "coterie/methods/method.h"
#include "coterie/shallow/consensus.h"

namespace coterie {

/// Clusterings of the same images to make a consensus of.
struct BaseClusterings {
  std::vector<std::vector<std::int32_t>> labels;  ///< [M][N]
  std::vector<Matrix<float>> probabilities;       ///< [M] of [N, K], or none
};

/// Mean NMI of each set of labels to all others.
std::vector<double> mean_nmi_to_others(LabelSets sets);

/// Which of the candidates become bases.
enum class KeptBases {
  diverse,  ///< those whose mean NMI to all others is lowest
  alike,    ///< those whose mean NMI to all others is highest
};

/// Keeps `members` clusterings by their mean NMI to all others, in their order; the first of
/// equals. All where there are no more than that. Liang, Dong, Yang, Zhou (Jointly Learn the Base
/// Clustering and Ensemble for Deep Image Clustering, section II-B) keep the most diverse.
void keep_bases(BaseClusterings& candidates, std::size_t members, KeptBases kept);

}  // namespace coterie
