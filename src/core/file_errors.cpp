#include "coterie/core/file_errors.h"

#include <cerrno>
#include <cstring>

#include "coterie/core/error.h"
#include "coterie/core/text.h"

namespace coterie {

void fail_on_file(const char* what, const std::filesystem::path& path, int error) {
  const char* remedy = "";
  if (error == ENOSPC || error == EDQUOT) remedy = "; free some space or choose another folder";
  if (error == EACCES || error == EROFS || error == EPERM)
    remedy = "; choose a place that you may write to";
  if (error == ENOENT) remedy = "; check the spelling and that its folder exists";
  if (error == EEXIST) remedy = "; nothing is overwritten: remove it, or choose another place";
  throw UserError("cannot {} {}: {}{}", what, printable(path.native()), std::strerror(error),
                  remedy);
}

}  // namespace coterie
