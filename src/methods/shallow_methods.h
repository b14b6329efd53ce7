#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// The methods of the shallow layer as Method: they take feature rows, or images as their pixels.
std::unique_ptr<Method> make_pac();
std::unique_ptr<Method> make_kmeans();

/// The rows that a shallow method clusters: the features themselves, or the pixels of the images as
/// floats in 0..1, written to `storage`.
ConstFeatures feature_rows(const TrainingData& data, Matrix<float>& storage);

}  // namespace coterie
