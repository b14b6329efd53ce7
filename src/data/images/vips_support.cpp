#include "coterie/data/images/vips_support.h"

#include <algorithm>
#include <array>

#include "coterie/core/error.h"
#include "coterie/core/text.h"
#include "coterie/data/source.h"

namespace coterie::images {
namespace {

constexpr std::size_t kWarningBytes = 2000;
constexpr std::size_t kCauseBytes = 160;

thread_local std::string t_warnings;

void keep_warning(const char*, GLogLevelFlags, const char* message, void*) {
  if (t_warnings.size() > kWarningBytes) return;
  t_warnings += message;
  t_warnings += '\n';
}

bool start_once() {
  if (vips_init("coterie") != 0) return false;
  const auto levels = static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE);
  g_log_set_handler("VIPS", levels, keep_warning, nullptr);
  vips_block_untrusted_set(TRUE);
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  return true;
}

/// The first line that says something, without the names of libvips' parts in front of it.
std::string_view first_line(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    for (;;) {
      const std::size_t colon = line.find(": ");
      if (colon == std::string_view::npos) break;
      const std::string_view word = line.substr(0, colon);
      // A PNG chunk's name (four letters, not all small) is part of the message.
      const bool is_part =
          std::all_of(word.begin(), word.end(),
                      [](unsigned char c) { return std::isalnum(c) || c == '_'; }) &&
          !(word.size() == 4 &&
            std::any_of(word.begin(), word.end(), [](unsigned char c) { return std::isupper(c); }));
      if (!is_part) break;
      line.remove_prefix(colon + 2);
    }
    while (line.ends_with(' ') || line.ends_with('.')) line.remove_suffix(1);
    if (!line.empty()) return line;
  }
  return {};
}

bool says_truncated(std::string_view line) {
  static constexpr std::array<std::string_view, 9> kSigns = {
      "premature end", "end of stream", "end of file", "unexpected end", "end of data",
      "not enough",    "read error",    "eof",         "bad seek"};
  const std::string lower = lower_case(std::string(line));
  return std::any_of(kSigns.begin(), kSigns.end(),
                     [&](std::string_view sign) { return lower.find(sign) != std::string::npos; });
}

}  // namespace

void start_vips() {
  static const bool started = start_once();
  if (!started)
    throw UserError("libvips does not start: {}; reinstall libvips",
                    first_line(vips_error_buffer()));
}

std::string take_warnings() { return std::exchange(t_warnings, {}); }

std::string cause_from_vips(std::string_view errors, std::string_view warnings) {
  std::string_view line = first_line(errors);
  // The PNG loader's own reason is among the warnings.
  if (line.empty() || line == "libpng read error" || line == "libspng read error")
    if (const std::string_view warned = first_line(warnings); !warned.empty()) line = warned;
  if (line.empty()) return "damaged";
  return fmt::format("{}: {}", says_truncated(line) ? "truncated" : "damaged",
                     printable(line.substr(0, kCauseBytes)));
}

}  // namespace coterie::images
