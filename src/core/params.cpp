#include "coterie/core/params.h"

#include <algorithm>
#include <cmath>

namespace coterie {

std::string Range::text() const {
  const bool bounded_below = std::isfinite(low), bounded_above = std::isfinite(high);
  if (bounded_below && bounded_above && !low_open && !high_open)
    return fmt::format("{} to {}", low, high);
  std::string out;
  if (bounded_below) out = fmt::format("{} {}", low_open ? ">" : ">=", low);
  if (bounded_above)
    out += fmt::format("{}{} {}", out.empty() ? "" : " and ", high_open ? "<" : "<=", high);
  return out.empty() ? "any number" : out;
}

std::string ParamInfo::condition() const {
  const auto text = [](const ParamCondition& condition) {
    return fmt::format("{} = {}", condition.name, join(condition.values, " or "));
  };
  std::vector<std::string> parts;
  for (const ParamCondition& condition : only_with)
    parts.push_back((parts.empty() ? "with " : "") + text(condition));
  if (replaced_by == GivenPart::network) parts.push_back("without --init-from");
  if (replaced_by == GivenPart::clusters) parts.push_back("where --init-from brings no clusters");
  if (kept_with) parts.back() += " or with " + text(*kept_with);
  return parts.empty() ? "" : "only " + join(parts, " and ");
}

std::vector<std::string> idle_parameters(
    const std::vector<std::string>& names, const std::vector<ParamInfo>& infos,
    const std::vector<std::pair<std::string, std::string>>& values, GivenPart given) {
  const auto holds = [&](const ParamCondition& condition) {
    return std::any_of(values.begin(), values.end(), [&](const auto& value) {
      return value.first == condition.name &&
             std::find(condition.values.begin(), condition.values.end(), value.second) !=
                 condition.values.end();
    });
  };
  std::vector<std::string> idle;
  for (const ParamInfo& info : infos)
    if (std::find(names.begin(), names.end(), info.name) != names.end() &&
        ((given != GivenPart::none && info.replaced_by == given &&
          !(info.kept_with && holds(*info.kept_with))) ||
         !std::all_of(info.only_with.begin(), info.only_with.end(), holds)))
      idle.push_back(fmt::format("{} has no effect: it counts {}", info.name, info.condition()));
  return idle;
}

std::int64_t parse_integer(std::string_view name, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size() && !text.empty();
  if (whole && error == std::errc::result_out_of_range)
    throw UserError("{} = {} is out of range: allowed is {} to {}", name, text,
                    std::numeric_limits<std::int64_t>::min(),
                    std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || !whole)
    throw UserError("{} = '{}' is not a whole number; give digits such as 10", name,
                    printable(text));
  return value;
}

double parse_real(std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size())
    throw UserError("{} = {} is too large or too near zero for a number", name, text);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw UserError("{} = '{}' is not a number; give a value such as 0.5 or 1e-3", name,
                    printable(text));
  return value;
}

bool parse_flag(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1" || text == "on" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "off" || text == "no") return false;
  throw UserError("{} = '{}' is not a flag: allowed is true or false", name, printable(text));
}

}  // namespace coterie
