#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// The methods of the shallow layer as Method: they take feature rows, or images as their pixels.
std::unique_ptr<Method> make_pac();
std::unique_ptr<Method> make_kmeans();
std::unique_ptr<Method> make_fuzzy_cmeans();
std::unique_ptr<Method> make_pam();
std::unique_ptr<Method> make_spectral();
std::unique_ptr<Method> make_agglomerative();
std::unique_ptr<Method> make_nmf();
std::unique_ptr<Method> make_rcc();
std::unique_ptr<Method> make_finch();
std::unique_ptr<Method> make_gaussian_mixture();

/// The rows that a shallow method clusters: the features themselves, or the pixels of the images as
/// floats in 0..1, written to `storage`. Throws UserError where the memory is too small for that.
ConstFeatures feature_rows(const TrainingData& data, Matrix<float>& storage);

}  // namespace coterie
