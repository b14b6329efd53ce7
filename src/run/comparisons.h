#pragma once

#include <filesystem>
#include <vector>

#include "coterie/run/comparison.h"

namespace coterie {

/// All that `coterie bench` knows. `folder` holds the data sets that are not installed: pendigits/,
/// mnist/, isolet1/, coil20/, usps/, cifar10-jpeg.tar.xz and imagenette96.tar.xz.
std::vector<Comparison> comparisons(const std::filesystem::path& folder);

/// Table 2 of Yan, Lu, Yan (Deep Probability Aggregation Clustering, 2024) on the data sets of it
/// that are freely at hand, and Fashion-MNIST.
Comparison dpac_table2(const std::filesystem::path& folder);

/// Tables 2 and 4 and figure 6 of Yu, Liu, Han, Li, Tang, Wu (Representation Learning Based on
/// Autoencoder and Deep Adaptive Clustering for Image Clustering, 2021). In each set and seed all
/// rows go on from one autoencoder.
Comparison ae_dac_table(const std::filesystem::path& folder);
Comparison ae_dac_classes(const std::filesystem::path& folder);
Comparison ae_dac_grid(const std::filesystem::path& folder);
/// Its method on Fashion-MNIST with one of our readings or choices changed at a time.
Comparison ae_dac_readings(const std::filesystem::path& folder);

/// Contrastive methods and DPAC on sets that a CPU trains on in minutes; in each set and seed most
/// rows go on from one pre-training.
Comparison contrastive(const std::filesystem::path& folder);
/// DPAC with one of its parts changed at a time.
Comparison dpac_variants(const std::filesystem::path& folder);

/// Tables 1 to 4 of Zhang, Li, Hua, Dong, Lim (Improved deep clustering model based on semantic
/// consistency, 2022) on sets that a CPU trains on in minutes, and its readings, one changed at a
/// time.
Comparison dcsc_table(const std::filesystem::path& folder);
Comparison dcsc_ablation(const std::filesystem::path& folder);
Comparison dcsc_readings(const std::filesystem::path& folder);

/// Table III of Liang, Dong, Yang, Zhou (Jointly Learn the Base Clustering and Ensemble for Deep
/// Image Clustering) on the same sets.
Comparison jdce_table(const std::filesystem::path& folder);

/// Tables 2 and 5 of Sun, Zhou, Du, Li (Active deep image clustering, 2022) on USPS and the same
/// sets: ways to choose the pairs that are asked about, which ground truth answers.
Comparison adc_table(const std::filesystem::path& folder);

}  // namespace coterie
