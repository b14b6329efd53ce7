#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Momentum contrast: views against a queue of earlier ones, then PAC or k-means on the embeddings.
/// See README.md beside this file.
std::unique_ptr<Method> make_moco();

}  // namespace coterie
