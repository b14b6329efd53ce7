#include "coterie/data/sniff.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "coterie/core/files.h"
#include "coterie/data/input_bytes.h"
#include "coterie/data/source.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using namespace std::string_view_literals;

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](auto end) { return name.ends_with(end); });
}

bool is_archive(std::string_view head) {
  for (const auto magic : {"\xfd"
                           "7zXZ\0"sv,
                           "BZh"sv, "\x28\xb5\x2f\xfd"sv, "PK\3\4"sv, "\x04\x22\x4d\x18"sv})
    if (head.starts_with(magic)) return true;
  return head.size() > 262 && head.substr(257, 5) == "ustar";
}

bool is_image(std::string_view head) {
  for (const auto magic : {"\x89PNG"sv, "\xff\xd8\xff"sv, "GIF8"sv, "II*\0"sv, "MM\0*"sv})
    if (head.starts_with(magic)) return true;
  return head.starts_with("RIFF") && head.substr(8, 4) == "WEBP";
}

bool is_idx(std::string_view head) { return head.size() >= 4 && head[0] == 0 && head[1] == 0; }

bool first_line_is_file(const fs::path& path, std::string_view head) {
  std::string_view line = head.substr(0, head.find_first_of("\n\0"sv));
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::error_code error;
  return !line.empty() && line.size() < 4096 &&
         fs::exists(path.parent_path() / fs::path(line), error);
}

Form sniff_text(const fs::path& path, std::string_view name, std::string_view head) {
  if (name.ends_with(".csv")) return Form::csv;
  if (first_line_is_file(path, head)) return Form::list;
  const bool listed = ends_with_any(name, {".txt", ".lst", ".list"});
  if (head.find('\0') != std::string_view::npos) return listed ? Form::list : Form::unknown;
  if (head.substr(0, head.find('\n')).find(',') != std::string_view::npos) return Form::csv;
  return listed ? Form::list : Form::unknown;
}

}  // namespace

Form sniff(const fs::path& path) {
  const MappedFile file(path);
  const std::string_view whole(reinterpret_cast<const char*>(file.bytes().data()), file.size());
  const std::string_view head = whole.substr(0, 8192);
  const std::string name = lower_case(path.filename().native());
  if (head.starts_with("COTPACK1")) return Form::pack;
  if (head.starts_with("\x93NUMPY")) return Form::npy;
  if (is_image(head)) return Form::image;
  const bool named_idx = name.find("-ubyte") != std::string::npos || name.ends_with(".idx");
  if (head.starts_with("\x1f\x8b")) {
    if (named_idx) return Form::idx;
    if (ends_with_any(name, {".tar.gz", ".tgz"})) return Form::archive;
    char bytes[6];
    const std::string_view start(bytes, InputBytes(path).read(bytes, sizeof(bytes)));
    if (start == "\x93NUMPY" || ends_with_any(name, {".csv.gz", ".npy.gz"})) return Form::gzipped;
    return is_idx(start) ? Form::idx : Form::archive;
  }
  if (is_archive(head)) return Form::archive;
  // By name, so that a damaged file is called damaged and not unknown.
  if (name.ends_with(".npy")) return Form::npy;
  if (named_idx) return Form::idx;
  if (name.ends_with(".pack")) return Form::pack;
  if (head.empty()) return name.ends_with(".csv") ? Form::csv : Form::empty;
  if (name.find(".tar") != std::string::npos) return Form::archive;
  if (is_idx(head)) return Form::idx;
  return sniff_text(path, name, head);
}

}  // namespace coterie
