#include "coterie/core/blas.h"

#include <dlfcn.h>

#include <cstdlib>

namespace coterie {
namespace {

template <class Function>
Function* loaded(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

void choose() {
#if defined(__x86_64__)
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  const auto name = loaded<char*()>("openblas_get_corename");
  const auto quit = loaded<void()>("gotoblas_dynamic_quit");
  const auto init = loaded<void()>("gotoblas_dynamic_init");
  if (!name || !quit || !init || std::getenv(kVariable)) return;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw");
  const char* better = better_blas_kernels(name(), avx2, avx512);
  if (!*better) return;
  setenv(kVariable, better, 0);  // what gotoblas_dynamic_init, its own choice, goes by
  quit();
  init();
#endif
}

}  // namespace

const char* better_blas_kernels(std::string_view chosen, bool avx2, bool avx512) {
  if (chosen != "Prescott") return "";
  return avx512 ? "SkylakeX" : avx2 ? "Haswell" : "";
}

void choose_blas_kernels() {
  static const bool chosen = (choose(), true);
  (void)chosen;
}

}  // namespace coterie
