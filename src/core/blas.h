#pragma once

#include <string_view>

namespace coterie {

/// OpenBLAS knows processors by their model numbers. On one that is newer than itself it falls back
/// to the kernels of the first 64-bit ones ("Prescott"), which are four times slower. This tells it
/// to take those of the newest processor whose instructions this one has. Does nothing where
/// another BLAS is loaded, or the user has chosen (OPENBLAS_CORETYPE).
///
/// Call it before threads multiply matrices; later calls do nothing.
void choose_blas_kernels();

/// What OpenBLAS is to take instead of the kernels `chosen`; empty where they are good.
const char* better_blas_kernels(std::string_view chosen, bool avx2, bool avx512);

}  // namespace coterie
