#pragma once

#include <string_view>

#include "coterie/nn/torch.h"

namespace coterie {

/// The device that "auto", "cpu", "cuda" or "cuda:1" means here; "auto" takes the first GPU where
/// libtorch sees one. Throws UserError where the name is another or the GPU is absent.
torch::Device resolve_device(std::string_view name);

/// Gives libtorch and its BLAS the thread count of coterie's own loops (thread_count()). Called by
/// everything that starts to compute; the only place that sets them.
void apply_thread_count();

}  // namespace coterie
