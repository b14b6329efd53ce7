#pragma once

#include "coterie/core/params.h"
#include "coterie/loss/distributions.h"

namespace coterie {

/// Adds the description of `m` and `scores`, of the targets of online probability aggregation, to
/// that of `Params`, which has both.
template <class Params>
void add_aggregated_target_fields(Fields<Params>& fields) {
  fields
      .template number<double>("m", &Params::m, Range{.low = 1, .high = 10, .low_open = true},
                               "fuzziness of the aggregated targets (opa)")
      .template choice<AggregatedScores>(
          "scores", &Params::scores,
          {{"sums", AggregatedScores::sums},
           {"means", AggregatedScores::means},
           {"balanced", AggregatedScores::balanced}},
          "for the aggregated targets, distances to the images of a cluster are summed, as the "
          "paper has it, or "
          "averaged, or averaged with small clusters preferred in proportion; with sums chance in "
          "how many of them a batch holds decides much");
}

}  // namespace coterie
