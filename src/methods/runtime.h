#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace coterie {

/// The device that "auto", "cpu" or "cuda" means on this machine: "cpu", "cuda:0" ... Throws
/// UserError where the name is another or the device is absent.
std::string resolved_device_name(const std::string& name);

/// The precision, "fp32" or "bf16", that "auto", "fp32" or "bf16" means for networks on a device:
/// "bf16" only where it has instructions for it. Throws UserError where the name is another.
std::string resolved_precision_name(const std::string& name, const std::string& device);

/// This process's number among those that train together, and how many they are, from the
/// environment; 0 and 1 where it is alone. Throws UserError where the environment contradicts
/// itself.
int process_rank();
int process_count();

/// What the network library is and can do here: `libtorch`, `blas`, `blas_path`, `reference_blas`
/// (true: matrix products take some 30 times longer than with OpenBLAS), `threads`,
/// `cuda_devices`, `matrix_gflops` (a float product measured now).
nlohmann::json network_runtime();

}  // namespace coterie
