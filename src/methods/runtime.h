#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace coterie {

/// The device that "auto", "cpu" or "cuda" means on this machine: "cpu", "cuda:0" ... Throws
/// UserError where the name is another or the device is absent.
std::string resolved_device_name(const std::string& name);

/// What the network library is and can do here: `libtorch`, `blas`, `blas_path`, `reference_blas`
/// (true: matrix products take some 30 times longer than with OpenBLAS), `threads`,
/// `cuda_devices`, `matrix_gflops` (a float product measured now).
nlohmann::json network_runtime();

}  // namespace coterie
