#include "coterie/core/blas.h"

#include <gtest/gtest.h>

namespace coterie {
namespace {

TEST(Blas, KernelsOfOldProcessorsAreReplacedByWhatThisOneHas) {
  EXPECT_STREQ(better_blas_kernels("Prescott", true, true), "SkylakeX");
  EXPECT_STREQ(better_blas_kernels("Prescott", true, false), "Haswell");
  EXPECT_STREQ(better_blas_kernels("Prescott", false, false), "");
  EXPECT_STREQ(better_blas_kernels("Zen", true, true), "");
  EXPECT_STREQ(better_blas_kernels("SapphireRapids", true, true), "");
}

}  // namespace
}  // namespace coterie
