#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coterie {

bool is_utf8(std::string_view bytes);

/// Bytes made safe for a terminal: control characters, marks that change the direction of text and
/// bytes that are not UTF-8 as \xNN; a backslash prints as \\. From what is printed the bytes can
/// be told.
std::string printable(std::string_view bytes);

/// `text` for use inside an HTML element or a quoted attribute; control characters and bytes
/// that are not UTF-8 appear as \xNN.
std::string html_escape(std::string_view bytes);

/// One field of a csv line (RFC 4180): quoted where it holds a comma, a quote, a line break, or
/// leading or trailing blanks or tabs. Other bytes pass unchanged, so a path keeps its identity.
std::string csv_field(std::string_view bytes);

/// The known name nearest to `word` by edit distance, or empty where none is near (more than a
/// third of its letters, and more than two, differ, or nothing of it is left).
std::string closest(std::string_view word, const std::vector<std::string>& known);

std::string join(const std::vector<std::string>& items, std::string_view separator);

}  // namespace coterie
