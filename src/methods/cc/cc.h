#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Contrastive clustering. See README.md beside this file.
std::unique_ptr<Method> make_cc();

}  // namespace coterie
