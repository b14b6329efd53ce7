#pragma once

#include <string_view>

/// Files of this folder that are part of the program (cmake/CoterieEmbed.cmake).
namespace coterie::embedded {

std::string_view page_html();
std::string_view page_css();
/// Bundles of web/src/report (cmake/CoterieWeb.cmake).
std::string_view report_js();
std::string_view report_css();

}  // namespace coterie::embedded
