#include "coterie/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>

namespace coterie {
namespace {

/// Length of the UTF-8 sequence at `i`, 0 where there is none (overlong forms, surrogates and
/// code points above U+10FFFF are none).
std::size_t sequence_length(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || i + length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(i + 1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

template <class Emit>
std::string map_sequences(std::string_view bytes, Emit emit) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = sequence_length(bytes, i);
    emit(out, bytes.substr(i, std::max<std::size_t>(length, 1)), length != 0);
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

void append_hex(std::string& out, std::string_view byte) {
  fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte[0]));
}

bool is_control(std::string_view sequence) {
  const auto c = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return c < 0x20 || c == 0x7f;
  // C1 controls, and the marks that change the direction of text on screen or break its line.
  return (c == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0) ||
         (sequence >= "\u2028" && sequence <= "\u202e") ||
         (sequence >= "\u2066" && sequence <= "\u2069");
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = sequence_length(bytes, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string printable(std::string_view bytes) {
  return map_sequences(bytes, [](std::string& out, std::string_view sequence, bool valid) {
    if (!valid) {
      append_hex(out, sequence);
    } else if (is_control(sequence)) {
      for (char c : sequence) append_hex(out, std::string_view(&c, 1));
    } else if (sequence == "\\") {
      out += "\\\\";
    } else {
      out += sequence;
    }
  });
}

std::string html_escape(std::string_view bytes) {
  return map_sequences(bytes, [](std::string& out, std::string_view sequence, bool valid) {
    if (!valid || is_control(sequence)) {
      for (char c : sequence) append_hex(out, std::string_view(&c, 1));
      return;
    }
    switch (sequence[0]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += sequence;
    }
  });
}

std::string csv_field(std::string_view bytes) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool blank_edge = !bytes.empty() && (blank(bytes.front()) || blank(bytes.back()));
  if (bytes.find_first_of(",\"\n\r") == std::string_view::npos && !blank_edge)
    return std::string(bytes);
  std::string out = "\"";
  for (char c : bytes) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

std::string closest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t substitute = diagonal + (word[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
      }
    }
    if (row.back() < best_distance && row.back() < std::max(word.size(), candidate.size())) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

}  // namespace coterie
