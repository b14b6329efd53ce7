#pragma once

#include <string>

namespace coterie {

/// What every page holds that coterie wrote.
constexpr const char* kPageMark = "Written by coterie ";

/// What a page of the report holds, as HTML.
struct PageContent {
  std::string title;
  std::string head;
  std::string sections;
  bool interactive = false;  ///< has a map, which the page's script makes searchable
};

/// The whole page: one file with its style, its script where it is interactive, and a policy that
/// lets through these two and nothing else.
std::string fill_page(const PageContent& content);

}  // namespace coterie
