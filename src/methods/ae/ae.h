#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// A convolutional autoencoder, then PAC or k-means on its codes. See README.md beside this file.
std::unique_ptr<Method> make_ae();

}  // namespace coterie
