#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Joint deep clustering ensemble. See README.md beside this file.
std::unique_ptr<Method> make_jdce();

}  // namespace coterie
