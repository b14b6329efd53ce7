#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// A convolutional autoencoder, then PAC or k-means on its codes. See README.md beside this file.
std::unique_ptr<Method> make_ae();
/// The same with noise on the input: see ../dae/README.md.
std::unique_ptr<Method> make_dae();
/// The same with codes that are distributions: see ../vae/README.md.
std::unique_ptr<Method> make_vae();

}  // namespace coterie
