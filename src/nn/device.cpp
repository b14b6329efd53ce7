#include "coterie/nn/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "coterie/core/blas.h"
#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/core/params.h"
#include "coterie/core/text.h"
#include "coterie/nn/facts.h"

namespace coterie {
namespace {

/// The file that holds the BLAS function which libtorch calls, links resolved.
std::filesystem::path blas_file() {
  void* sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info info{};
  if (!sgemm || !dladdr(sgemm, &info) || !info.dli_fname) return {};
  std::error_code ignored;
  const auto real = std::filesystem::canonical(info.dli_fname, ignored);
  return real.empty() ? std::filesystem::path(info.dli_fname) : real;
}

}  // namespace

std::string blas_name_of(const std::string& file) {
  if (file.empty()) return "unknown";
  std::string text = file;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // Debian's OpenBLAS stands as openblas-pthread/libblas.so.3, the reference one as
  // blas/libblas.so.3.
  for (const auto& [part, name] : {std::pair{"openblas", "OpenBLAS"},
                                   {"mkl", "MKL"},
                                   {"blis", "BLIS"},
                                   {"atlas", "ATLAS"},
                                   {"libtorch", "MKL"},
                                   {"/libblas.so", "reference BLAS"}})
    if (text.find(part) != std::string::npos) return name;
  return std::filesystem::path(file).filename().string();
}

torch::Device resolve_device(std::string_view name) {
  const bool cuda = torch::cuda::is_available();
  if (name == "auto") return cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
  if (name == "cpu") return torch::kCPU;
  const bool indexed = name.starts_with("cuda:");
  if (name != "cuda" && !indexed)
    throw UserError("device = '{}' is not known: allowed is auto, cpu, cuda or cuda:NUMBER",
                    printable(name));
  if (!cuda)
    throw UserError(
        "device = {}: libtorch sees no CUDA device here; choose --device cpu, or install a driver "
        "and a libtorch that is built with CUDA",
        printable(name));
  const std::int64_t index = indexed ? parse_integer("device", name.substr(5)) : 0;
  const auto count = static_cast<std::int64_t>(torch::cuda::device_count());
  if (index < 0 || index >= count)
    throw UserError("device = {}: this machine has CUDA devices 0 to {}", printable(name),
                    count - 1);
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(index)};
}

void apply_thread_count() {
  choose_blas_kernels();
  const int threads = thread_count();
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
  // libtorch sets the threads of MKL alone; another BLAS keeps its own pool.
  using SetThreads = void (*)(int);
  static const auto set_openblas =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_openblas) set_openblas(threads);
}

std::string blas_name() { return blas_name_of(blas_file().string()); }

LibtorchFacts libtorch_facts() {
  apply_thread_count();
  LibtorchFacts facts;
  facts.version = TORCH_VERSION;
  facts.blas_path = blas_file().string();
  facts.blas = blas_name();
  facts.reference_blas = facts.blas == "reference BLAS";
  facts.threads = at::get_num_threads();
  if (torch::cuda::is_available())
    for (std::size_t i = 0; i < torch::cuda::device_count(); ++i)
      facts.cuda_devices.push_back("cuda:" + std::to_string(i));
  return facts;
}

}  // namespace coterie
