#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace coterie::testing {

/// A file system of its own in memory, as long as the object lives. Only root may mount one.
class SmallDisk {
 public:
  /// `size` as mount takes it, "64k".
  SmallDisk(const std::filesystem::path& folder, const std::string& size, unsigned long flags = 0)
      : folder_(folder) {
    std::filesystem::create_directories(folder);
    mounted_ = geteuid() == 0 &&
               mount("tmpfs", folder.c_str(), "tmpfs", flags, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  /// From now on nothing can be written.
  bool make_read_only() {
    return mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace coterie::testing

/// Skips a test that needs a SmallDisk where none can be had.
#define COTERIE_NEED_DISK(disk) \
  if (!(disk).mounted()) GTEST_SKIP() << "needs root to mount a disk"
