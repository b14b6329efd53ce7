#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "coterie/shallow/cluster_count.h"

namespace coterie {

class Agglomerative;
class Finch;
class FuzzyCMeans;
class GaussianMixture;
class KMeans;
class Nmf;
class Pac;
class Pam;
class Rcc;
class Spectral;

// What a fit says of itself, for metrics.json. Where there are restarts, they are the array
// "restarts".

nlohmann::json statistics_of(const Agglomerative& agglomerative);
nlohmann::json statistics_of(const Finch& finch);
nlohmann::json statistics_of(const FuzzyCMeans& fuzzy);
nlohmann::json statistics_of(const GaussianMixture& mixture);
nlohmann::json statistics_of(const KMeans& kmeans);
nlohmann::json statistics_of(const Nmf& nmf);
nlohmann::json statistics_of(const Pac& pac);
nlohmann::json statistics_of(const Pam& pam);
nlohmann::json statistics_of(const Rcc& rcc);
nlohmann::json statistics_of(const Spectral& spectral);

// Why there are so many clusters, where the number was to be found: "k", "reason" and a "curve" of
// objects with "k" and what speaks for it.

nlohmann::json cluster_count_json(const ClusterCountChoice& choice);
nlohmann::json cluster_count_json(const Finch& finch);
nlohmann::json cluster_count_json(const Rcc& rcc);
nlohmann::json cluster_count_json(const Spectral& spectral);

}  // namespace coterie
