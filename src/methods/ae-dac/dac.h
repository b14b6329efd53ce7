#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Autoencoder and deep adaptive clustering, trained together. See README.md beside this file.
std::unique_ptr<Method> make_ae_dac();
/// Its second stream alone: see ../dac/README.md.
std::unique_ptr<Method> make_dac();

}  // namespace coterie
