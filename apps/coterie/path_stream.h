#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "coterie/core/progress.h"

namespace coterie {

/// Paths that come through a pipe, as they come.
class PathStream {
 public:
  /// `separator` ends a path: '\n' (a carriage return before it is left out, as are blank lines) or
  /// '\0'.
  PathStream(int descriptor, char separator) : descriptor_(descriptor), separator_(separator) {}

  /// Waits until there is a path and gives those that are there by then, at most `most`. Empty at
  /// the end. Throws Interrupted when cancelled.
  std::vector<std::string> next(std::size_t most, const CancelToken& cancel);

 private:
  bool fill(bool wait, const CancelToken& cancel);
  bool take(std::string& path);

  int descriptor_;
  char separator_;
  std::string bytes_;
  std::size_t at_ = 0;  // what lies before it is taken
  bool ended_ = false;
};

}  // namespace coterie
