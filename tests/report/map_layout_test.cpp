#include "coterie/report/map_layout.h"

#include <limits>

#include "coterie/core/files.h"
#include "report/run_maker.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace coterie::testing;

TEST(MapLayout, IsWhatTheFilesHold) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), {0, 1, 0});
  EXPECT_FALSE(read_map(run, CancelToken()).has_value());
  give_map(run, {1, 2, 3, 4, 5, 6});
  const auto map = read_map(run, CancelToken());
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->positions(1, 0), 3);
  EXPECT_EQ(map->positions(2, 1), 6);
  EXPECT_TRUE(map->about.empty());
  write_file(run.folder.file("map.json"), "{\"perplexity\": 30}");
  EXPECT_EQ(read_map(run, CancelToken())->about.at("perplexity"), 30);
}

TEST(MapLayout, OfAnotherRunOrDamagedIsRefused) {
  TemporaryFolder folder;
  const LoadedRun run = image_run(folder.path(), {0, 1, 0});
  const auto message = [&] { return user_error_of([&] { read_map(run, CancelToken()); }); };
  give_map(run, {1, 2, 3, 4});
  EXPECT_CONTAINS(message(), "map.npy is [2, 2], expected [3, 2]; make it again: coterie map ");
  give_map(run, {1, 2, 3, std::numeric_limits<float>::quiet_NaN(), 5, 6});
  EXPECT_CONTAINS(message(), "map.npy");
  give_map(run, {1, 2, 3, 4, 5, 6});
  write_file(run.folder.file("map.json"), "[1");
  EXPECT_CONTAINS(message(), "map.json is damaged");
  write_file(run.folder.file("map.npy"), "nothing");
  EXPECT_CONTAINS(message(), "map.npy");
}

}  // namespace
}  // namespace coterie
