#include "coterie/methods/runtime.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "coterie/nn/device.h"
#include "coterie/nn/facts.h"
#include "coterie/nn/precision.h"
#include "coterie/train/processes.h"

namespace coterie {

std::string resolved_device_name(const std::string& name) { return resolve_device(name).str(); }

std::string resolved_precision_name(const std::string& name, const std::string& device) {
  return std::string(name_of(resolve_precision(name, resolve_device(device))));
}

int process_rank() { return process_settings_from_environment().rank; }
int process_count() { return process_settings_from_environment().size; }

nlohmann::json network_runtime() {
  const LibtorchFacts facts = libtorch_facts();
  const torch::NoGradGuard no_gradients;
  constexpr std::int64_t kSide = 1024;
  const torch::Tensor a = torch::ones({kSide, kSide}), b = torch::ones({kSide, kSide});
  torch::mm(a, b);  // The first product starts the threads.
  const auto start = std::chrono::steady_clock::now();
  torch::mm(a, b);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {{"libtorch", facts.version},
          {"blas", facts.blas},
          {"blas_path", facts.blas_path},
          {"reference_blas", facts.reference_blas},
          {"threads", facts.threads},
          {"cuda_devices", facts.cuda_devices},
          {"matrix_gflops", 2.0 * kSide * kSide * kSide / seconds / 1e9}};
}

}  // namespace coterie
