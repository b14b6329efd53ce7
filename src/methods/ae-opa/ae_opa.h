#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// An autoencoder whose clusters come from online probability aggregation. See README.md beside
/// this file.
std::unique_ptr<Method> make_ae_opa();

}  // namespace coterie
