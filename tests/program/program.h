#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "idx_bytes.h"
#include "testing.h"

namespace coterie::testing {

struct Outcome {
  int code = -1;  ///< exit code, or 1000 + the signal that ended it
  std::string out;
  std::string err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

/// The program under test, run in a folder of its own with its own cache.
class Program {
 public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path file(const std::string& name) const { return folder() / name; }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(file(name).parent_path());
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(file(name), std::ios::binary).rdbuf();
    return text.str();
  }

  pid_t start(const std::vector<std::string>& words) const {
    // Whoever reads what this program prints must not find what the last one did.
    std::filesystem::remove(file("stdout.txt"));
    std::filesystem::remove(file("stderr.txt"));
    const pid_t child = fork();
    if (child != 0) return child;
    const std::string cache = (folder() / ".cache").string();
    if (chdir(folder().c_str()) != 0 || setenv("COTERIE_CACHE", cache.c_str(), 1) != 0) _exit(99);
    if (!freopen("stdout.txt", "w", stdout) || !freopen("stderr.txt", "w", stderr)) _exit(99);
    std::vector<char*> argv{const_cast<char*>(COTERIE_PROGRAM)};
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(98);
  }
  Outcome wait(pid_t child) const {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), read("stdout.txt"),
            read("stderr.txt")};
  }
  Outcome run(const std::vector<std::string>& words) const { return wait(start(words)); }

 private:
  TemporaryFolder folder_;
};

/// A csv of three separated groups, `rows` in all, with a column "kind" of ground truth.
inline std::string toy_csv(int rows) {
  std::string text = "x,y,kind\n";
  for (int i = 0; i < rows; ++i) {
    const int kind = i % 3;
    text += std::to_string(kind * 10 + (i % 7) * 0.1) + "," +
            std::to_string(kind == 1 ? 8 : (i % 5) * 0.1) + ",k" + std::to_string(kind) + "\n";
  }
  return text;
}

/// A .npy of little-endian values: `header` is the dictionary, `data` the bytes after it.
inline std::string npy(std::string header, const std::string& data) {
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string text = std::string("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 255);
  text += static_cast<char>(header.size() >> 8);
  return text + header + data;
}

/// An IDX file of `count` images of 28 x 28 in three kinds.
inline std::string idx_images(int count) {
  std::string pixels;
  for (int i = 0; i < count; ++i)
    for (int y = 0; y < 28; ++y)
      for (int x = 0; x < 28; ++x) {
        const bool lit = i % 3 == 0 ? y < 8 : i % 3 == 1 ? x < 8 : (x > 14 && y > 14);
        pixels += static_cast<char>((lit ? 180 : 20) + (i * 31 + y * 17 + x * 13) % 40);
      }
  return idx({static_cast<std::uint32_t>(count), 28, 28}, pixels);
}

}  // namespace coterie::testing
