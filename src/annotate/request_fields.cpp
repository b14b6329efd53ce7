#include "coterie/annotate/request_fields.h"

#include <algorithm>
#include <charconv>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {
namespace {

constexpr std::size_t kMostDigits = 15;
constexpr int kDeepest = 4;  // no request nests deeper

const nlohmann::json& field(const nlohmann::json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end()) throw UserError("'{}' is missing", name);
  return *found;
}

std::int64_t integer_of(const nlohmann::json& value, const char* name) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
  if (!fits) throw UserError("'{}' is not what it must be: a whole number", name);
  return value.get<std::int64_t>();
}

}  // namespace

nlohmann::json parse_body(const std::string& text) {
  bool deep = false;
  const auto body = nlohmann::json::parse(
      text,
      [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        deep |= depth > kDeepest;
        return !deep;
      },
      false);
  if (deep || !body.is_object()) throw UserError("the body is not a JSON object");
  return body;
}

std::int64_t integer_field(const nlohmann::json& body, const char* name) {
  return integer_of(field(body, name), name);
}

std::string text_field(const nlohmann::json& body, const char* name) {
  const auto& value = field(body, name);
  if (!value.is_string()) throw UserError("'{}' is not what it must be: a text", name);
  return value.get<std::string>();
}

std::vector<std::int64_t> integers_field(const nlohmann::json& body, const char* name) {
  const auto& value = field(body, name);
  if (!value.is_array()) throw UserError("'{}' is not what it must be: a list of numbers", name);
  std::vector<std::int64_t> numbers;
  for (const auto& number : value) numbers.push_back(integer_of(number, name));
  return numbers;
}

std::int64_t parse_digits(std::string_view name, std::string_view text) {
  const bool digits =
      !text.empty() && text.size() <= kMostDigits &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits)
    throw UserError("{} is '{}'; allowed are at most {} digits", name, printable(text),
                    kMostDigits);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace coterie
