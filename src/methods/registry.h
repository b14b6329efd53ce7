#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/methods/method.h"

namespace coterie {

struct RegisteredMethod {
  MethodInfo info;
  std::function<std::unique_ptr<Method>()> create;
};

/// Every method, in the order of the docs.
const std::vector<RegisteredMethod>& registered_methods();

/// Those that train such a network, for messages: "simclr, moco or cc".
std::string methods_with(NetworkKind network);

/// A fresh method. Throws UserError on an unknown name, with the nearest known one.
std::unique_ptr<Method> create_method(std::string_view name);

}  // namespace coterie
