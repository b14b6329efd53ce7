#pragma once

#include <string_view>

/// The annotator's page, bundled from web/src/annotate (cmake/CoterieWeb.cmake).
namespace coterie::embedded {

std::string_view annotate_html();
std::string_view annotate_js();
std::string_view annotate_css();

}  // namespace coterie::embedded
