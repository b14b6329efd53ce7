#pragma once

#include <string_view>

/// Files that are part of the program (cmake/CoterieEmbed.cmake).
namespace coterie::embedded {

std::string_view page_html();
std::string_view page_css();
/// Of web/src/shared.
std::string_view colours_css();
/// Bundles of web/src/report (cmake/CoterieWeb.cmake).
std::string_view report_js();
std::string_view report_css();

}  // namespace coterie::embedded
