#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coterie {

/// Bytes that this process may still take without swapping: what the system has free or can free,
/// within the limit of its control group. Nothing where the system does not say.
std::optional<std::uint64_t> available_memory();

/// Throws UserError where `bytes` are more than `available_memory()`, before any of them is taken.
/// The message gives both figures: `what` is what the memory is for ("the distances of all pairs of
/// 70000 rows"), `remedy` what to do instead.
void require_memory(double bytes, std::string_view what, std::string_view remedy);

}  // namespace coterie
