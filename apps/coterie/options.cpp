#include <algorithm>
#include <chrono>

#include "commands.h"
#include "coterie/core/params.h"

namespace coterie {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void add_json_option(CLI::App& command, Session& session) {
  command.add_flag("--json", session.json, "Print one JSON object, and nothing else, on stdout");
}

void add_common_options(CLI::App& command, Session& session) {
  add_json_option(command, session);
  command.add_flag("--quiet", session.quiet, "No progress on stderr; warnings and errors stay");
  command
      .add_option("--threads", session.threads,
                  "Threads to compute with (default: OMP_NUM_THREADS, else all cores)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
}

void add_data_options(CLI::App& command, DataOptions& options) {
  command
      .add_option("--label-column", options.label_column,
                  "Column of a csv that holds ground truth; left out of the features")
      ->type_name("NAME");
  command
      .add_option(
          "--image-size", options.image_size,
          "Side in pixels to decode image files to, 8 to 1024, or auto: their own where all are "
          "equal squares of 8 to 224 pixels, else 96")
      ->type_name("PIXELS");
  command
      .add_option("--channels", options.channels,
                  "Channels of decoded images: auto, 1 (grey) or 3 (colour)")
      ->type_name("C");
  command
      .add_option("--max-file-mb", options.max_file_mb,
                  "Larger image files count as bad (default 256)")
      ->type_name("MB");
  command
      .add_option("--max-megapixels", options.max_megapixels,
                  "Images of more pixels count as bad (default 100)")
      ->type_name("MP");
  command
      .add_option("--cache", options.cache,
                  "Folder for decoded images (default: $COTERIE_CACHE or ~/.cache/coterie)")
      ->type_name("DIR");
}

LoadOptions load_options(const DataOptions& options) {
  LoadOptions load;
  load.label_column = options.label_column;
  load.cache = options.cache;
  const auto number = [](const char* name, const std::string& text, Range range) {
    const double value = parse_real(name, text);
    if (!range.contains(value))
      throw UserError("{} {} is out of range: allowed is {}", name, text, range.text());
    return value;
  };
  if (options.image_size != "auto") {
    const std::int64_t side = parse_integer("--image-size", options.image_size);
    if (side < 8 || side > 1024)
      throw UserError("--image-size {} is out of range: allowed is auto, or 8 to 1024", side);
    load.image_size = static_cast<int>(side);
  }
  if (options.channels != "auto") {
    if (options.channels != "1" && options.channels != "3")
      throw UserError("--channels {} is not known: allowed is auto, 1 or 3",
                      printable(options.channels));
    load.channels = options.channels == "1" ? 1 : 3;
  }
  if (!options.max_file_mb.empty())
    load.max_file_bytes = static_cast<std::uint64_t>(
        number("--max-file-mb", options.max_file_mb, between(0.001, 1e6)) * (1 << 20));
  if (!options.max_megapixels.empty())
    load.max_pixels = static_cast<std::uint64_t>(
        number("--max-megapixels", options.max_megapixels, between(0.001, 1e5)) * 1e6);
  return load;
}

double parse_duration(const std::string& option, const std::string& text) {
  std::string digits = text;
  double unit = 1;
  if (!digits.empty() && (digits.back() == 's' || digits.back() == 'm' || digits.back() == 'h')) {
    unit = digits.back() == 's' ? 1 : digits.back() == 'm' ? 60 : 3600;
    digits.pop_back();
  }
  double value = 0;
  try {
    value = parse_real(option, digits);
  } catch (const UserError&) {
    value = 0;
  }
  if (value <= 0)
    throw UserError("{} '{}' is not a length of time; give for example 90s, 10m or 1.5h", option,
                    printable(text));
  return value * unit;
}

}  // namespace coterie
