#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Active deep clustering: asks about pairs of images and learns from the answers. See README.md
/// beside this file.
std::unique_ptr<Method> make_adc();

}  // namespace coterie
