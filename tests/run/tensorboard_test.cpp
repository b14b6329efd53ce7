#include "coterie/run/tensorboard.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "coterie/core/files.h"
#include "run/event_reader.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::event_files;
using testing::read_events;
using testing::TemporaryFolder;
using Scalars = std::map<std::string, float>;

double time_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TEST(Crc32c, GivesThePublicCheckValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);    // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);  // the same
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(TensorBoardWriter, WritesTheScalarsOfAStageAtTheirEpoch) {
  TemporaryFolder folder;
  const double before = time_of_day();
  TensorBoardWriter writer(folder / "run/tensorboard");
  writer.add({{"stage", "contrast"},
              {"epoch", 300},
              {"losses", {{"info_nce", 1.25}, {"total", -2.5}}},
              {"seconds", 4.5},
              {"images_per_second", 900.0},
              {"learning_rate", 1e-3},
              {"cluster_sizes", {10, 25, 5}}});
  const auto files = event_files(folder / "run/tensorboard");
  ASSERT_EQ(files.size(), 1u);
  const auto events = read_events(files[0]);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[1].step, 300);  // takes two bytes as a varint
  EXPECT_EQ(events[1].scalars, (Scalars{{"contrast/info_nce", 1.25f},
                                        {"contrast/total", -2.5f},
                                        {"contrast/images_per_second", 900.0f},
                                        {"contrast/learning_rate", 1e-3f},
                                        {"contrast/largest_cluster", 0.625f}}));  // 25 of 40
  for (const auto& event : events) {
    EXPECT_GE(event.wall_time, before);
    EXPECT_LE(event.wall_time, time_of_day());
  }
}

TEST(TensorBoardWriter, LinesWithoutAnEpochStandAtTheirNumber) {
  TemporaryFolder folder;
  TensorBoardWriter writer(folder.path());
  writer.add({{"objective", 7.5}, {"sweeps", 12}, {"converged", true}});
  writer.add({{"note", "nothing to draw"}});
  writer.add({{"objective", 7.25}, {"sweeps", 9}, {"converged", false}});
  const auto events = read_events(event_files(folder.path()).at(0));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].step, 1);
  EXPECT_EQ(events[1].scalars, (Scalars{{"objective", 7.5f}, {"sweeps", 12.0f}}));
  EXPECT_EQ(events[2].step, 3);
  EXPECT_EQ(events[2].scalars, (Scalars{{"objective", 7.25f}, {"sweeps", 9.0f}}));
}

TEST(TensorBoardWriter, EveryRecordIsThereWhenAddReturns) {
  TemporaryFolder folder;
  TensorBoardWriter writer(folder.path());
  for (std::size_t i = 1; i <= 20; ++i) {
    writer.add({{"objective", i}});
    EXPECT_EQ(read_events(event_files(folder.path()).at(0)).size(), i + 1);
  }
}

TEST(TensorBoardWriter, EachStartHasAFileOfItsOwn) {
  TemporaryFolder folder;
  for (int start = 0; start < 3; ++start) {  // within one second
    TensorBoardWriter writer(folder.path());
    writer.add({{"stage", "a"}, {"epoch", start}, {"losses", {{"x", start}}}});
  }
  const auto files = event_files(folder.path());
  ASSERT_EQ(files.size(), 3u);
  for (int start = 0; start < 3; ++start) {
    const auto events = read_events(files[start]);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1].step, start);
  }
}

TEST(TensorBoardWriter, SaysWhereItCannotWrite) {
  TemporaryFolder folder;
  write_file(folder / "taken", "a file");
  EXPECT_CONTAINS(testing::user_error_of([&] { TensorBoardWriter(folder / "taken"); }), "taken");
}

}  // namespace
}  // namespace coterie
