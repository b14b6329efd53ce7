#include "coterie/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "coterie/core/text.h"
#include "coterie/run/settings.h"

namespace coterie {

std::string fill_slots(std::string_view page, const std::map<std::string, std::string>& slots) {
  std::string out;
  while (true) {
    const std::size_t begin = page.find("{{");
    out += page.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const std::size_t end = page.find("}}", begin);
    const std::string name(page.substr(begin + 2, end - begin - 2));
    const auto slot = slots.find(name);
    if (end == std::string_view::npos || slot == slots.end())
      throw std::logic_error("the page has a slot '" + name + "' that nothing fills");
    out += slot->second;
    page.remove_prefix(end + 2);
  }
}

std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') out += ',';
    out += digits[i];
  }
  return out;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string counted(std::int64_t count, std::string_view singular, std::string_view plural) {
  return grouped(count) + " " + std::string(count == 1 ? singular : plural);
}

std::string short_number(double value) {
  // Whole numbers keep all their digits.
  if (value == static_cast<double>(static_cast<std::int64_t>(std::clamp(value, -1e9, 1e9))))
    return grouped(static_cast<std::int64_t>(value));
  return fmt::format("{:.5g}", value);
}

std::string json_text(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number()) return short_number(value.get<double>());
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string words(std::string_view key) {
  std::string out(key);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string fact(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string stored_path(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? "" : html_escape(path_from_json(*found));
}

int colour_of(std::int64_t cluster) {
  constexpr std::int64_t kColours = 20;  // web/src/shared/colours.css has as many
  return static_cast<int>(cluster % kColours);
}

}  // namespace coterie
