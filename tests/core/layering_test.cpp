#include "layering.h"

namespace coterie {
namespace {

TEST(CoreLayering, SeesNoOtherLayer) { testing::expect_layers({"core"}, "coterie/shallow/pac.h"); }

TEST(CoreLayering, TheProbeKnowsTheOtherLayers) {
  std::set<std::string> layers;
  for (const auto& header : testing::all_headers())
    layers.insert(header.substr(8, header.find('/', 8) - 8));
  for (const auto* layer : {"core", "metrics", "shallow", "data", "nn", "loss", "methods"})
    EXPECT_TRUE(layers.contains(layer)) << "no headers found in " << layer;
}

/// What a line includes in quotes, or nothing.
std::string quoted_include(std::string line) {
  std::erase_if(line, [](char c) { return c == ' ' || c == '\t'; });
  const std::string start = "#include\"";
  if (!line.starts_with(start)) return {};
  return line.substr(start.size(), line.find('"', start.size()) - start.size());
}

// A path such as "../nn/x.h" would pass through the walls.
TEST(CoreLayering, NoSourceIncludesByRelativePath) {
  int includes = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(testing::source_folder())) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      const std::string path = quoted_include(line);
      if (path.empty()) continue;
      ++includes;
      EXPECT_TRUE(path.starts_with("coterie/") && path.find("..") == std::string::npos)
          << entry.path().string() << " includes " << path;
    }
  }
  EXPECT_GT(includes, 20);
}

}  // namespace
}  // namespace coterie
