#include "layering.h"

namespace coterie {
namespace {

TEST(MetricsLayering, SeesCoreAndItselfAlone) {
  testing::expect_layers({"core", "metrics"}, "coterie/shallow/pac.h");
}

}  // namespace
}  // namespace coterie
