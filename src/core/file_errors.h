#pragma once

#include <filesystem>

namespace coterie {

/// Throws a UserError "cannot WHAT PATH: CAUSE; REMEDY" for the system's error number `error`.
[[noreturn]] void fail_on_file(const char* what, const std::filesystem::path& path, int error);

}  // namespace coterie
