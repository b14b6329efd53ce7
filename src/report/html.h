#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace coterie {

/// `page` with every {{name}} replaced by slots[name], in one pass: what a slot brings is never
/// searched for slots. Throws std::logic_error where a name has no slot.
std::string fill_slots(std::string_view page, const std::map<std::string, std::string>& slots);

/// 70000 as "70,000".
std::string grouped(std::int64_t number);
/// 0.1234 as "12.3 %".
std::string percent(double share);
/// "1 image", "2 images".
std::string counted(std::int64_t count, std::string_view singular, std::string_view plural);
/// A number that may be of any magnitude, in five digits.
std::string short_number(double value);
/// A value of a manifest or of statistics as a person reads it, not escaped.
std::string json_text(const nlohmann::json& value);
/// "chosen_restart" as "chosen restart", not escaped.
std::string words(std::string_view key);

/// A row of a definition list. Both arguments are HTML already.
std::string fact(std::string_view name, std::string_view value);

/// A path or a command stored in JSON, escaped for HTML; empty where it is missing.
std::string stored_path(const nlohmann::json& object, const char* key);

/// The colour class of a cluster; colours repeat.
int colour_of(std::int64_t cluster);

}  // namespace coterie
