#include "coterie/data/whole_image.h"

#ifdef COTERIE_IMAGES
#include "coterie/core/error.h"
#include "coterie/data/images/decode_one.h"
#include "coterie/data/load.h"
#endif

namespace coterie {

#ifdef COTERIE_IMAGES
std::optional<PngImage> read_whole_image(const std::filesystem::path& file, std::int64_t longest) {
  const LoadOptions limits;
  images::start_vips();
  try {
    const images::ImageSource source(file, limits.max_file_bytes);
    const auto header = images::read_header(source, limits.max_pixels);
    return images::decode_whole(source, header, static_cast<int>(longest), limits.max_pixels);
  } catch (const images::BadImage&) {
  } catch (const images::VipsFailure&) {
    vips_error_clear();
  }
  return std::nullopt;
}
#else
std::optional<PngImage> read_whole_image(const std::filesystem::path&, std::int64_t) {
  return std::nullopt;
}
#endif

}  // namespace coterie
