#include "layering.h"

#include <regex>

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

// A path such as "../nn/x.h" would pass through the walls.
TEST(CoreLayering, NoSourceIncludesByRelativePath) {
  const std::regex include(R"re(^\s*#\s*include\s*"([^"]+)")re");
  int includes = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(testing::source_folder())) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream file(entry.path());
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      ++includes;
      EXPECT_EQ(match[1].str().rfind("coterie/", 0), 0u)
          << entry.path().string() << ':' << number << " includes " << match[1];
      EXPECT_EQ(match[1].str().find(".."), std::string::npos)
          << entry.path().string() << ':' << number << " includes " << match[1];
    }
  }
  EXPECT_GT(includes, 20);
}

}  // namespace
}  // namespace coterie
