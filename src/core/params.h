#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {

/// Another parameter, and the values of it under which the one that asks for it has an effect.
struct ParamCondition {
  std::string name;
  std::vector<std::string> values;
};

/// What of another run, of which a training goes on with the network, may take the place of a part
/// of the training.
enum class GivenPart { none, network, clusters };

/// One parameter as help, `methods --json` and completion show it.
struct ParamInfo {
  std::string name;
  std::string type;           ///< "real", "integer", "choice" or "flag"
  std::string default_value;  ///< as the user would type it
  std::string allowed;        ///< "> 1", "1 to 1000", "p | p^m", "true | false"
  std::string help;
  bool carries_over = false;  ///< holds too for another method that goes on with the network
  GivenPart replaced_by = GivenPart::none;       ///< without which alone it has an effect
  std::optional<ParamCondition> kept_with = {};  ///< under which it has one beside that too
  std::vector<ParamCondition> only_with = {};    ///< all of which must hold

  /// "only with contrast = moco and without --init-from", or nothing.
  std::string condition() const;
};

/// "queue has no effect: it counts only with contrast = moco" for each of `names`, parameters
/// among `infos`, that does nothing under these `values` of all of them, or with the part that is
/// `given`.
std::vector<std::string> idle_parameters(
    const std::vector<std::string>& names, const std::vector<ParamInfo>& infos,
    const std::vector<std::pair<std::string, std::string>>& values, GivenPart given);

/// The values a number may take. An open end leaves the bound itself out.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool contains(double value) const {
    return (low_open ? value > low : value >= low) && (high_open ? value < high : value <= high);
  }
  std::string text() const;
};
inline Range at_least(double low) { return {.low = low}; }
inline Range above(double low) { return {.low = low, .low_open = true}; }
inline Range between(double low, double high) { return {.low = low, .high = high}; }

/// A choice's name as typed, and its value.
template <class Value>
using Choice = std::pair<const char*, Value>;

std::int64_t parse_integer(std::string_view name, std::string_view text);
double parse_real(std::string_view name, std::string_view text);
bool parse_flag(std::string_view name, std::string_view text);

/// What the fields of a parameter struct are: name, default, range, help. The one description from
/// which validation, `--set key=value`, TOML, the manifest and the help are made.
///
///     struct PacParams {
///       double m = 1.03;
///       static const Fields<PacParams>& fields();
///       void validate() const { fields().validate(*this); }
///     };
///     Fields<PacParams>().number("m", &PacParams::m, above(1), "fuzziness of the assignment");
template <class Params>
class Fields {
 public:
  explicit Fields(Params defaults = {}) : defaults_(std::move(defaults)) {}

  /// A real or integer field with its range.
  template <class T>
  requires(std::is_arithmetic_v<T> &&
           !std::same_as<T, bool>) Fields& number(std::string name, T Params::*member, Range range,
                                                  std::string help) {
    constexpr bool integral = std::is_integral_v<T>;
    const auto check = [name, range](T value) {
      if (!range.contains(static_cast<double>(value)) || !is_finite(value))
        throw UserError("{} = {} is out of range: allowed is {}", name, value, range.text());
    };
    return add(
        {name, integral ? "integer" : "real", fmt::format("{}", defaults_.*member), range.text(),
         std::move(help)},
        [=](Params& p, std::string_view text) {
          T value;
          if constexpr (integral) {
            const std::int64_t parsed = parse_integer(name, text);
            if (!std::in_range<T>(parsed))
              throw UserError("{} = {} is out of range: allowed is {}{}", name, text, range.text(),
                              std::isfinite(range.high)
                                  ? ""
                                  : fmt::format(", at most {}", std::numeric_limits<T>::max()));
            value = static_cast<T>(parsed);
          } else {
            value = static_cast<T>(parse_real(name, text));
          }
          check(value);
          p.*member = value;
        },
        [=](const Params& p) { return fmt::format("{}", p.*member); },
        [=](const Params& p) { check(p.*member); });
  }

  Fields& flag(std::string name, bool Params::*member, std::string help) {
    return add(
        {name, "flag", defaults_.*member ? "true" : "false", "true | false", std::move(help)},
        [=](Params& p, std::string_view text) { p.*member = parse_flag(name, text); },
        [=](const Params& p) { return std::string(p.*member ? "true" : "false"); },
        [](const Params&) {});
  }

  template <class Enum>
  Fields& choice(std::string name, Enum Params::*member, std::vector<Choice<Enum>> choices,
                 std::string help) {
    std::vector<std::string> names;
    for (const auto& [text, value] : choices) names.push_back(text);
    const std::string allowed = join(names, " | ");
    const auto name_of = [=](Enum wanted) -> std::string {
      for (const auto& [text, value] : choices)
        if (value == wanted) return text;
      throw UserError("{} holds a value that is none of {}", name, allowed);
    };
    return add(
        {name, "choice", name_of(defaults_.*member), allowed, std::move(help)},
        [=](Params& p, std::string_view text) {
          for (const auto& [known, value] : choices)
            if (text == known) {
              p.*member = value;
              return;
            }
          const std::string near = closest(text, names);
          throw UserError("{} = '{}' is not known: allowed is {}{}", name, printable(text), allowed,
                          near.empty() ? "" : "; did you mean '" + near + "'?");
        },
        [=](const Params& p) { return name_of(p.*member); },
        [=](const Params& p) { name_of(p.*member); });
  }

  /// The fields of a struct inside this one, named `prefix` + their name.
  template <class Inner>
  Fields& include(const std::string& prefix, Inner Params::*member) {
    for (const auto& field : Inner::fields().list()) {
      ParamInfo info = field.info;
      info.name = prefix + info.name;
      add(
          info,
          [=](Params& p, std::string_view text) {
            prefixed(prefix, [&] { field.set(p.*member, text); });
          },
          [=](const Params& p) { return field.get(p.*member); },
          [=](const Params& p) { prefixed(prefix, [&] { field.check(p.*member); }); });
    }
    return *this;
  }

  /// Says of the field added last that its value describes the network: another method that goes
  /// on with it takes the value over.
  Fields& carries_over() {
    fields_.back().info.carries_over = true;
    return *this;
  }

  /// Says of these fields that they belong to a training whose place another run's network, or its
  /// clusters, takes; but not where they are `kept_with` a value of another field.
  Fields& replaced_by(GivenPart part, const std::vector<std::string>& names,
                      const std::optional<ParamCondition>& kept_with = {}) {
    for (ParamInfo* info : infos_of(names)) {
      info->replaced_by = part;
      info->kept_with = kept_with;
    }
    return *this;
  }

  /// Says of these fields that they have an effect only where the field `other` has one of
  /// `values`, as text.
  Fields& only_with(const std::string& other, const std::vector<std::string>& values,
                    const std::vector<std::string>& names) {
    for (ParamInfo* info : infos_of(names)) info->only_with.push_back({other, values});
    return *this;
  }

  struct Field {
    ParamInfo info;
    std::function<void(Params&, std::string_view)> set;
    std::function<std::string(const Params&)> get;
    std::function<void(const Params&)> check;
  };
  const std::vector<Field>& list() const { return fields_; }

  /// Throws UserError naming the field, its value and what is allowed.
  void validate(const Params& params) const {
    for (const auto& field : fields_) field.check(params);
  }

  /// Sets a field from text. Throws UserError on an unknown name (with the nearest one) or value.
  void set(Params& params, std::string_view name, std::string_view text) const {
    std::vector<std::string> names;
    for (const auto& field : fields_) {
      if (field.info.name == name) return field.set(params, text);
      names.push_back(field.info.name);
    }
    const std::string near = closest(name, names);
    throw UserError("unknown parameter '{}'{}; known are: {}", printable(name),
                    near.empty() ? "" : ": did you mean '" + near + "'?", join(names, ", "));
  }

  std::vector<ParamInfo> describe() const {
    std::vector<ParamInfo> infos;
    for (const auto& field : fields_) infos.push_back(field.info);
    return infos;
  }

  /// Name and value of every field, as `set` would read them.
  std::vector<std::pair<std::string, std::string>> values(const Params& params) const {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& field : fields_) out.emplace_back(field.info.name, field.get(params));
    return out;
  }

 private:
  std::vector<ParamInfo*> infos_of(const std::vector<std::string>& names) {
    std::vector<ParamInfo*> infos;
    for (auto& field : fields_)
      if (std::find(names.begin(), names.end(), field.info.name) != names.end())
        infos.push_back(&field.info);
    return infos;
  }

  template <class T>
  static bool is_finite(T value) {
    if constexpr (std::is_floating_point_v<T>) return std::isfinite(value);
    return true;
  }

  /// Errors of an inner field begin with its name; the user knows it by the full one.
  template <class Work>
  static void prefixed(const std::string& prefix, Work&& work) {
    try {
      work();
    } catch (const UserError& error) {
      throw UserError(prefix + error.what());
    }
  }

  template <class Set, class Get, class Check>
  Fields& add(ParamInfo info, Set set, Get get, Check check) {
    fields_.push_back({std::move(info), std::move(set), std::move(get), std::move(check)});
    return *this;
  }

  Params defaults_;
  std::vector<Field> fields_;
};

}  // namespace coterie
