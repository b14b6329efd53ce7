#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace coterie {

// What requests hold, checked. All throw UserError naming the field, its value and what is allowed.

/// A request's body: a JSON object.
nlohmann::json parse_body(const std::string& text);

std::int64_t integer_field(const nlohmann::json& body, const char* name);
std::string text_field(const nlohmann::json& body, const char* name);
std::vector<std::int64_t> integers_field(const nlohmann::json& body, const char* name);

/// Decimal digits alone, at most 15 of them, as in /image/17 and ?count=20.
std::int64_t parse_digits(std::string_view name, std::string_view text);

}  // namespace coterie
