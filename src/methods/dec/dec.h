#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Codes of an autoencoder drawn towards centres, by a distribution that sharpens itself. See
/// README.md beside this file.
std::unique_ptr<Method> make_dec();
/// The same with the reconstruction kept up: see ../idec/README.md.
std::unique_ptr<Method> make_idec();

}  // namespace coterie
