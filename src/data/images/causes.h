#pragma once

#include <sys/stat.h>

#include <string>

namespace coterie::images {

/// Why an entry of this mode is no file to read ("is a FIFO"), empty for a regular file.
std::string cause_of_mode(mode_t mode);

/// Why the system refused a file, in lower case ("permission denied").
std::string cause_of_errno(int error);

}  // namespace coterie::images
