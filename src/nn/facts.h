#pragma once

#include <string>
#include <vector>

namespace coterie {

/// What the linked libtorch can do on this machine. No libtorch header is needed to ask.
struct LibtorchFacts {
  std::string version;  ///< "1.13.0"
  std::string blas;     ///< name of the BLAS library that is really called, see blas_name()
  std::string blas_path;
  bool reference_blas =
      false;        ///< the slow reference library: matrix products take 30 times longer
  int threads = 0;  ///< threads that one operation uses
  std::vector<std::string> cuda_devices;
};
LibtorchFacts libtorch_facts();

/// The name of the BLAS library that a file holds, by its path.
std::string blas_name_of(const std::string& file);

/// The BLAS library behind libtorch's matrix products, found at run time by the file that holds the
/// function `sgemm_`: "OpenBLAS", "MKL", "BLIS", "ATLAS", "reference BLAS", or the file's name.
std::string blas_name();

}  // namespace coterie
