#include "coterie/nn/device.h"

#include <dlfcn.h>

#include "coterie/core/parallel.h"
#include "coterie/nn/facts.h"
#include "testing.h"

namespace coterie {
namespace {

TEST(Device, NamesAreResolvedOrRefused) {
  EXPECT_TRUE(resolve_device("cpu").is_cpu());
  EXPECT_EQ(resolve_device("auto").is_cuda(), torch::cuda::is_available());
  EXPECT_CONTAINS(testing::user_error_of([] { resolve_device("gpu"); }),
                  "device = 'gpu' is not known: allowed is auto, cpu, cuda or cuda:NUMBER");
  if (torch::cuda::is_available()) {
    EXPECT_TRUE(resolve_device("cuda:0").is_cuda());
    EXPECT_CONTAINS(testing::user_error_of([] { resolve_device("cuda:99"); }), "CUDA devices 0 to");
  } else {
    EXPECT_CONTAINS(testing::user_error_of([] { resolve_device("cuda"); }),
                    "sees no CUDA device here; choose --device cpu");
  }
}

TEST(Device, LibtorchTakesOurThreadCount) {
  const int before = thread_count();
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    apply_thread_count();
    EXPECT_EQ(at::get_num_threads(), threads);
    EXPECT_EQ(libtorch_facts().threads, threads);
  }
  set_thread_count(before);
  apply_thread_count();
}

TEST(Device, TheBlasThatIsCalledHasAName) {
  const LibtorchFacts facts = libtorch_facts();
  EXPECT_EQ(facts.version.substr(0, facts.version.find('.')), std::to_string(TORCH_VERSION_MAJOR));
  EXPECT_FALSE(facts.blas_path.empty());
  EXPECT_EQ(facts.blas, blas_name());
  EXPECT_EQ(facts.reference_blas, facts.blas == "reference BLAS");
}

TEST(Device, OpenBlasDoesNotStayWithKernelsOfOldProcessors) {
  apply_thread_count();
  const auto name = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (!name || !__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no OpenBLAS, or an old processor";
  EXPECT_STRNE(name(), "Prescott");
  const auto a = torch::arange(64 * 64, torch::kFloat).reshape({64, 64}) / 4096;
  const auto product = torch::mm(a, a);
  const auto expected = torch::mm(a.to(torch::kDouble), a.to(torch::kDouble));
  EXPECT_LT((product - expected).abs().max().item<double>(), 1e-5);
}

TEST(Device, BlasNamesComeFromTheFile) {
  EXPECT_EQ(blas_name_of("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3"), "OpenBLAS");
  EXPECT_EQ(blas_name_of("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0"), "reference BLAS");
  EXPECT_EQ(blas_name_of("/opt/libtorch/lib/libtorch_cpu.so"), "MKL");
  EXPECT_EQ(blas_name_of("/opt/libfine.so"), "libfine.so");
  EXPECT_EQ(blas_name_of(""), "unknown");
}

}  // namespace
}  // namespace coterie
