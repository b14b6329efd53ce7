#include "coterie/nn/precision.h"

#include <dlfcn.h>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

bool cpu_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

/// From compute capability 8.0 on. Asked of the CUDA runtime that libtorch brought, as libtorch's
/// own headers for it need CUDA's.
bool gpu_has_bf16(const torch::Device& device) {
  using GetAttribute = int (*)(int*, int, int);
  constexpr int kComputeCapabilityMajor = 75;
  const auto get = reinterpret_cast<GetAttribute>(dlsym(RTLD_DEFAULT, "cudaDeviceGetAttribute"));
  int major = 0;
  const int index = device.has_index() ? device.index() : 0;
  return get && get(&major, kComputeCapabilityMajor, index) == 0 && major >= 8;
}

}  // namespace

Precision resolve_precision(std::string_view name, const torch::Device& device) {
  if (name == "fp32") return Precision::fp32;
  if (name != "auto" && name != "bf16")
    throw UserError("precision = '{}' is not known: allowed is auto, fp32 or bf16",
                    printable(name));
  const bool fast = device.is_cuda() ? gpu_has_bf16(device) : cpu_has_bf16();
  return fast ? Precision::bf16 : Precision::fp32;
}

std::string_view name_of(Precision precision) {
  return precision == Precision::bf16 ? "bf16" : "fp32";
}

}  // namespace coterie
