#pragma once

namespace coterie {

/// The release; CMakeLists.txt holds the same, which a test compares.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace coterie
