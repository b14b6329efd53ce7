#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Deep clustering by semantic consistency. See README.md beside this file.
std::unique_ptr<Method> make_dcsc();

}  // namespace coterie
