#pragma once

#include <string>
#include <string_view>

namespace coterie {

/// 32 bytes from the system's random source as 64 hexadecimal digits.
std::string new_secret();

/// Whether two texts are equal, in a time that depends on the length of `given` alone: how far a
/// wrong guess is right cannot be measured.
bool same_secret(std::string_view given, std::string_view secret);

}  // namespace coterie
