#pragma once

#include <cstdint>
#include <string>

#include "coterie/data/dataset.h"
#include "coterie/data/thumbnail.h"

namespace coterie {

/// Images within the page: all of one section at one size, small enough to stay within the
/// section's share of the page. The data set must outlive it.
class Pictures {
 public:
  /// `count` pictures of at most `budget` bytes together, in base64. The data set has images.
  Pictures(const Dataset& dataset, std::int64_t count, std::int64_t budget);

  /// The image of a row, named by its path.
  std::string image(std::int64_t row) const;
  /// An entry of a list of images: the image and what stands below it, which is HTML.
  std::string item(std::int64_t row, const std::string& below) const;
  /// A list of entries, `name` (HTML) above it. Empty where there are none.
  std::string strip(const std::string& name, const std::string& items) const;
  /// Whether images are so small that their pixels are to be seen.
  bool small() const;

 private:
  const Dataset& dataset_;
  ThumbnailSize size_;
};

}  // namespace coterie
