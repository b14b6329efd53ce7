#pragma once

#include <memory>

#include "coterie/methods/method.h"

namespace coterie {

/// Deep probability aggregation clustering. See README.md beside this file.
std::unique_ptr<Method> make_dpac();

}  // namespace coterie
