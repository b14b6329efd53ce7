#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Contrastive learning of two views of each image, then PAC or k-means on the embeddings. See
/// README.md beside this file.
std::unique_ptr<Method> make_simclr();

}  // namespace coterie
