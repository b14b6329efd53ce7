#include "coterie/train/checkpoint.h"

#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

Checkpoint numbered(float value) {
  return {{{"number", value}}, {{"x", make_tensor<float>({1}, std::vector<float>{value})}}};
}

int folders_in(const fs::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

TEST(CheckpointStore, GivesBackTheNewestAndKeepsTwo) {
  TemporaryFolder folder;
  CheckpointStore store(folder / "checkpoints");
  EXPECT_FALSE(store.newest().has_value());
  for (const float value : {1.f, 2.f, 3.f, 4.f}) store.write(numbered(value));
  const auto newest = store.newest();
  ASSERT_TRUE(newest.has_value());
  EXPECT_EQ(newest->state["number"], 4);
  EXPECT_EQ(newest->tensors.at("x").values<float>()[0], 4.0f);
  EXPECT_EQ(folders_in(folder / "checkpoints"), 2);
  EXPECT_TRUE(fs::exists(folder / "checkpoints/checkpoint-00000003/manifest.json"));
}

TEST(CheckpointStore, SkipsEveryKindOfTornCheckpoint) {
  const std::vector<std::function<void(const fs::path&)>> damages = {
      [](const fs::path& f) { fs::remove(f / "manifest.json"); },
      [](const fs::path& f) { write_file(f / "manifest.json", "{\"version\": 1"); },
      [](const fs::path& f) { write_file(f / "manifest.json", "[]"); },
      [](const fs::path& f) { write_file(f / "manifest.json", "{\"version\": 2}"); },
      [](const fs::path& f) { fs::remove(f / "state.safetensors"); },
      [](const fs::path& f) {
        fs::resize_file(f / "state.safetensors", fs::file_size(f / "state.safetensors") - 1);
      },
      [](const fs::path& f) {  // One bit of a weight.
        std::string bytes = read_file(f / "state.safetensors");
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        write_file(f / "state.safetensors", bytes);
      }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    TemporaryFolder folder;
    CheckpointStore store(folder / "checkpoints");
    store.write(numbered(1));
    store.write(numbered(2));
    damages[i](folder / "checkpoints/checkpoint-00000002");
    const auto newest = store.newest();
    ASSERT_TRUE(newest.has_value()) << i;
    EXPECT_EQ(newest->state["number"], 1) << i;
    // The next one gets a number of its own and is the newest.
    store.write(numbered(3));
    EXPECT_EQ(store.newest()->state["number"], 3) << i;
  }
}

TEST(CheckpointStore, ATornOneDoesNotPushOutASoundOne) {
  TemporaryFolder folder;
  CheckpointStore store(folder / "checkpoints");
  store.write(numbered(1));
  store.write(numbered(2));
  fs::remove(folder / "checkpoints/checkpoint-00000002/manifest.json");
  store.write(numbered(3));
  EXPECT_TRUE(fs::exists(folder / "checkpoints/checkpoint-00000001/manifest.json"));
  EXPECT_FALSE(fs::exists(folder / "checkpoints/checkpoint-00000002"));
}

TEST(CheckpointStore, LeavesOtherFilesAlone) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path());
  write_file(folder / "checkpoint-notes", "mine");
  for (const float value : {1.f, 2.f, 3.f}) store.write(numbered(value));
  EXPECT_EQ(read_file(folder / "checkpoint-notes"), "mine");
}

TEST(CheckpointStore, WithoutAFolderKeepsNothing) {
  CheckpointStore store({});
  store.write(numbered(1));
  EXPECT_FALSE(store.enabled());
  EXPECT_FALSE(store.newest().has_value());
}

}  // namespace
}  // namespace coterie
