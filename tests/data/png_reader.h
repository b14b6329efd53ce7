#pragma once

#include <string>
#include <string_view>

#include "coterie/data/png.h"

namespace coterie::testing {

/// Decodes an 8-bit grey or RGB PNG by a reader of its own (chunks, CRC, inflate with all three
/// kinds of blocks, Adler-32, filters). Throws std::runtime_error where anything is not as the
/// standard says.
PngImage read_png(std::string_view bytes);

/// The bytes behind base64 text. Throws std::runtime_error on a letter that is none of base64's.
std::string from_base64(std::string_view text);

}  // namespace coterie::testing
