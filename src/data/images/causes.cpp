#include "coterie/data/images/causes.h"

#include <cerrno>
#include <system_error>

namespace coterie::images {

std::string cause_of_mode(mode_t mode) {
  if (S_ISREG(mode)) return {};
  if (S_ISDIR(mode)) return "is a folder";
  if (S_ISFIFO(mode)) return "is a FIFO";
  if (S_ISSOCK(mode)) return "is a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "is a device";
  return "is no regular file";
}

std::string cause_of_errno(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "permission denied";
    case ENOENT:
    case ENOTDIR:
      return "no such file";
    case ELOOP:
      return "a link that leads back to itself";
    default:
      return std::generic_category().message(error);
  }
}

}  // namespace coterie::images
