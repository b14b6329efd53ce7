#pragma once

#include <string_view>

/// Files of this folder that are part of the program (cmake/CoterieEmbed.cmake).
namespace coterie::embedded {

std::string_view page_html();
std::string_view page_css();

}  // namespace coterie::embedded
