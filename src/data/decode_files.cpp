#include "coterie/data/decode_files.h"

#ifndef COTERIE_IMAGES

#include "coterie/core/error.h"

namespace coterie {

DecodedImages decode_to_memory(const std::vector<std::filesystem::path>&, ImageShape,
                               const LoadOptions&, const CancelToken&) {
  throw UserError(
      "this build reads no image files (it was made without libvips); give a pack made by another "
      "build, an .npy or an IDX file");
}

}  // namespace coterie

#endif
