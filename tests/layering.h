#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "testing.h"

// Whether the walls between the layers hold: the compiler is asked what a program that links one
// layer may include.

namespace coterie::testing {

inline std::filesystem::path source_folder() {
  return std::filesystem::path(COTERIE_SOURCE_DIR) / "src";
}

/// Every header of every layer as it is included, e.g. coterie/core/error.h.
inline std::vector<std::string> all_headers() {
  std::vector<std::string> headers;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source_folder()))
    if (entry.path().extension() == ".h")
      headers.push_back("coterie/" +
                        std::filesystem::relative(entry.path(), source_folder()).string());
  return headers;
}

struct Compilation {
  bool good = false;
  std::string output;
};

/// Runs the compiler on `source` with the include folders of this test program: those of the layer
/// it tests.
inline Compilation compile(const std::string& source, const std::string& flags) {
  const TemporaryFolder folder;
  std::ofstream(folder / "probe.cpp") << source;
  std::string command = std::string("'") + COTERIE_COMPILER + "' -std=c++20 " + flags;
  std::istringstream includes(COTERIE_INCLUDE_FOLDERS);
  for (std::string path; std::getline(includes, path, '|');) command += " -I'" + path + "'";
  command += " '" + (folder / "probe.cpp").string() + "' 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run the compiler");
  Compilation result;
  std::array<char, 4096> buffer;
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    result.output.append(buffer.data(), got);
  result.good = ::pclose(pipe) == 0;
  return result;
}

/// The layers of which at least one header can be included here, and those of which one can't.
struct Visibility {
  std::set<std::string> seen;
  std::set<std::string> hidden;
};

inline Visibility visible_layers() {
  const auto headers = all_headers();
  std::string source;
  for (const auto& header : headers)
    source += "#if __has_include(\"" + header + "\")\nSEEN " + header + "\n#endif\n";
  const Compilation result = compile(source, "-E -P");
  EXPECT_TRUE(result.good) << result.output;
  std::istringstream lines("\n" + result.output + "\n");
  std::set<std::string> seen_headers;
  for (std::string word; lines >> word;)
    if (word == "SEEN" && lines >> word) seen_headers.insert(word);
  Visibility layers;
  for (const auto& header : headers) {
    const std::string layer = header.substr(8, header.find('/', 8) - 8);
    (seen_headers.contains(header) ? layers.seen : layers.hidden).insert(layer);
  }
  return layers;
}

/// A program of this layer may include `allowed`, and what it includes from elsewhere in the house
/// does not compile.
inline void expect_layers(const std::set<std::string>& allowed, const std::string& forbidden) {
  const Visibility layers = visible_layers();
  EXPECT_EQ(layers.seen, allowed);
  for (const auto& layer : allowed) EXPECT_FALSE(layers.hidden.contains(layer)) << layer;

  const auto good = compile("#include \"coterie/core/error.h\"\n", "-fsyntax-only");
  EXPECT_TRUE(good.good) << good.output;
  const auto wrong = compile("#include \"" + forbidden + "\"\n", "-fsyntax-only");
  EXPECT_FALSE(wrong.good) << forbidden << " compiles here";
  EXPECT_CONTAINS(wrong.output, forbidden + ": No such file");
}

}  // namespace coterie::testing
