#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace coterie {

/// What these functions write is put together under this name, in the folder where it belongs, and
/// gets its own name when it is whole. A crash may leave it behind; it is never of any use.
inline constexpr const char* kPartialFile = ".coterie-partial";

/// Ways to bring a file to a place where nothing stands yet. None of them ever replaces anything:
/// where the name is taken they throw a UserError, as they do with the system's cause where the
/// disk is full, the folder is read-only or a file is gone.

/// A symbolic link at `to` that holds `text`.
void place_link(const std::string& text, const std::filesystem::path& to);

/// `bytes` as a file at `to`.
void place_bytes(std::string_view bytes, const std::filesystem::path& to);

/// A copy of the regular file `from` (or what a link of that name leads to) at `to`, with its
/// permissions and times.
void place_copy(const std::filesystem::path& from, const std::filesystem::path& to);

/// Moves a regular file. Across file systems it is copied, flushed to disk, and only then removed.
void place_moved(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether both are regular files of the same bytes; false where one cannot be read.
bool same_content(const std::filesystem::path& a, const std::filesystem::path& b);

/// Writes everything of the file system that holds `folder` to its disk.
void flush_file_system(const std::filesystem::path& folder);

}  // namespace coterie
