#include "coterie/train/checkpoint.h"

#include <set>

#include "coterie/core/files.h"
#include "testing.h"
#include "train/small_files.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using testing::SmallFiles;
using testing::TemporaryFolder;

Checkpoint numbered(float value) {
  return {{{"number", value}}, {{"x", make_tensor<float>({1}, std::vector<float>{value})}}};
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
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
  EXPECT_EQ(names_in(folder / "checkpoints"),
            (std::set<std::string>{"checkpoint-00000003", "checkpoint-00000004"}));
}

TEST(CheckpointStore, SkipsEveryKindOfTornCheckpoint) {
  struct Damage {
    std::function<void(const fs::path&)> apply;
    std::string said;
  };
  const std::vector<Damage> damages = {
      {[](const fs::path& f) { fs::remove(f / "manifest.json"); }, "manifest.json is missing"},
      {[](const fs::path& f) { write_file(f / "manifest.json", "{\"version\": 1"); },
       "manifest.json is damaged"},
      {[](const fs::path& f) { write_file(f / "manifest.json", "[]"); },
       "manifest.json is damaged"},
      {[](const fs::path& f) { write_file(f / "manifest.json", "{\"version\": 2}"); },
       "manifest.json is not of version 1"},
      {[](const fs::path& f) { fs::remove(f / "state.safetensors"); },
       "state.safetensors is missing"},
      {[](const fs::path& f) { fs::resize_file(f / "state.safetensors", 3); },
       "state.safetensors has 3 bytes instead of "},
      {[](const fs::path& f) {  // One bit of a weight.
         std::string bytes = read_file(f / "state.safetensors");
         bytes.back() = static_cast<char>(bytes.back() ^ 1);
         write_file(f / "state.safetensors", bytes);
       },
       "state.safetensors has another sha256"}};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    TemporaryFolder folder;
    CheckpointStore store(folder / "checkpoints");
    store.write(numbered(1));
    store.write(numbered(2));
    damages[i].apply(folder / "checkpoints/checkpoint-00000002");
    std::vector<std::string> said;
    const auto newest =
        store.newest([&](const std::string& sentence) { said.push_back(sentence); });
    ASSERT_EQ(said.size(), 1u) << i;
    EXPECT_CONTAINS(said[0], "checkpoints/checkpoint-00000002 is passed over: its ");
    EXPECT_CONTAINS(said[0], damages[i].said);
    ASSERT_TRUE(newest.has_value()) << i;
    EXPECT_EQ(newest->state["number"], 1) << i;
    // The next one gets a number of its own and is the newest.
    store.write(numbered(3));
    EXPECT_EQ(store.newest([](const std::string& sentence) { ADD_FAILURE() << sentence; })
                  ->state["number"],
              3)
        << i;
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

TEST(CheckpointStore, KeepsEveryStageEnd) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path());
  for (int number = 1; number <= 7; ++number)
    store.write(numbered(static_cast<float>(number)), number == 2 || number == 4);
  EXPECT_EQ(names_in(folder.path()),
            (std::set<std::string>{"checkpoint-00000002", "checkpoint-00000004",
                                   "checkpoint-00000006", "checkpoint-00000007"}));
  // It is one of the last two like any other.
  store.write(numbered(8), true);
  EXPECT_EQ(names_in(folder.path()),
            (std::set<std::string>{"checkpoint-00000002", "checkpoint-00000004",
                                   "checkpoint-00000007", "checkpoint-00000008"}));
  for (const char* torn : {"checkpoint-00000007", "checkpoint-00000008"})
    fs::remove(folder / torn / "manifest.json");
  EXPECT_EQ(store.newest()->state["number"], 4);
}

TEST(CheckpointStore, AFullDiskLeavesWhatWasThereBefore) {
  Checkpoint large_tensor = numbered(3), large_state = numbered(3);
  large_tensor.tensors["y"] = make_tensor<float>({5000}, std::vector<float>(5000));
  large_state.state["text"] = std::string(20000, 'x');
  for (const Checkpoint& checkpoint : {large_tensor, large_state}) {
    TemporaryFolder folder;
    CheckpointStore store(folder.path());
    store.write(numbered(1));
    store.write(numbered(2));
    {
      const SmallFiles full(10000);
      EXPECT_CONTAINS(testing::user_error_of([&] { store.write(checkpoint); }), "cannot write");
    }
    EXPECT_EQ(names_in(folder.path()),
              (std::set<std::string>{"checkpoint-00000001", "checkpoint-00000002"}));
    EXPECT_EQ(store.newest()->state["number"], 2);
    store.write(checkpoint);
    EXPECT_EQ(store.newest()->state["number"], 3);
  }
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
