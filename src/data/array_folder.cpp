#include "coterie/data/array_folder.h"

#include <algorithm>

#include "coterie/core/error.h"
#include "coterie/data/cifar.h"
#include "coterie/data/idx.h"
#include "coterie/data/npy.h"
#include "coterie/data/source.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

using Paths = std::vector<fs::path>;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// Image files and, as many or none, their label files.
struct Parts {
  Paths images;
  Paths labels;
  std::vector<std::string> missing;

  Paths files() const {
    Paths all = images;
    all.insert(all.end(), labels.begin(), labels.end());
    return all;
  }
  void check_labels(const fs::path& folder) const {
    if (labels.empty() || labels.size() == images.size()) return;
    throw UserError(
        "{} holds {} image files, but label files for {} of them; add the missing label "
        "file, or remove the others to load the images without ground truth",
        shown(folder), images.size(), labels.size());
  }
};

/// A file whose class names become part of the data set, where it is there.
void add_names(const fs::path& names, ArrayFolder& found) {
  if (is_file(names)) found.files.push_back(names);
}

std::optional<ArrayFolder> find_cifar10(const fs::path& folder) {
  ArrayFolder found;
  int last = 0;
  for (int i = 1; i <= 5; ++i) {
    const fs::path batch = folder / fmt::format("data_batch_{}.bin", i);
    if (!is_file(batch)) {
      found.missing.push_back(batch.filename());
      continue;
    }
    if (i != last + 1)
      throw UserError("{} holds {} but not data_batch_{}.bin; add the missing batch", shown(folder),
                      batch.filename().native(), last + 1);
    last = i;
    found.files.push_back(batch);
  }
  if (is_file(folder / "test_batch.bin"))
    found.files.push_back(folder / "test_batch.bin");
  else
    found.missing.push_back("test_batch.bin");
  if (found.files.empty()) return std::nullopt;
  const fs::path names = folder / "batches.meta.txt";
  found.open = [batches = found.files, names] { return open_cifar10(batches, names); };
  add_names(names, found);
  return found;
}

std::optional<ArrayFolder> find_cifar100(const fs::path& folder) {
  ArrayFolder found;
  for (const char* name : {"train.bin", "test.bin"}) {
    if (is_file(folder / name))
      found.files.push_back(folder / name);
    else
      found.missing.push_back(name);
  }
  if (found.files.empty()) return std::nullopt;
  const fs::path names = folder / "coarse_label_names.txt";
  found.open = [batches = found.files, names] { return open_cifar100(batches, names); };
  add_names(names, found);
  return found;
}

std::optional<ArrayFolder> find_stl10(const fs::path& folder) {
  Parts parts;
  for (const std::string name : {"train", "test"}) {
    if (!is_file(folder / (name + "_X.bin"))) {
      parts.missing.push_back(name + "_X.bin");
      continue;
    }
    parts.images.push_back(folder / (name + "_X.bin"));
    if (is_file(folder / (name + "_y.bin"))) parts.labels.push_back(folder / (name + "_y.bin"));
  }
  if (parts.images.empty()) return std::nullopt;
  parts.check_labels(folder);
  const fs::path names = folder / "class_names.txt";
  ArrayFolder found{parts.files(),
                    [parts, names] { return open_stl10(parts.images, parts.labels, names); },
                    parts.missing};
  add_names(names, found);
  return found;
}

std::optional<fs::path> find_idx(const fs::path& folder, const std::string& part,
                                 const std::string& dimensions) {
  for (const char* dash : {"-", "."})
    for (const char* end : {"", ".gz"})
      if (const fs::path path = folder / (part + dash + dimensions + "-ubyte" + end); is_file(path))
        return path;
  return std::nullopt;
}

std::optional<ArrayFolder> find_idx_pairs(const fs::path& folder) {
  Parts parts;
  for (const std::string name : {"train", "t10k"}) {
    const auto images = find_idx(folder, name + "-images", "idx3");
    if (!images) {
      parts.missing.push_back(name + "-images-idx3-ubyte");
      continue;
    }
    parts.images.push_back(*images);
    if (const auto labels = find_idx(folder, name + "-labels", "idx1"))
      parts.labels.push_back(*labels);
  }
  if (parts.images.empty()) return std::nullopt;
  parts.check_labels(folder);
  const auto open = [parts] {
    ImageArrays arrays;
    for (std::size_t i = 0; i < parts.images.size(); ++i) {
      arrays.parts.push_back(open_idx_images(parts.images[i]));
      if (parts.labels.empty()) continue;
      const auto labels = read_idx_labels(parts.labels[i]);
      if (static_cast<std::int64_t>(labels.size()) != arrays.parts.back().count)
        throw UserError("{} holds {} labels, but {} holds {} images; one of the files is damaged",
                        shown(parts.labels[i]), labels.size(), shown(parts.images[i]),
                        arrays.parts.back().count);
      arrays.labels.insert(arrays.labels.end(), labels.begin(), labels.end());
    }
    return arrays;
  };
  return ArrayFolder{parts.files(), open, parts.missing};
}

std::optional<ArrayFolder> find_npy_pair(const fs::path& folder) {
  const fs::path images = folder / "images.npy", labels = folder / "labels.npy";
  if (!is_file(images)) return std::nullopt;
  ArrayFolder found;
  found.files.push_back(images);
  const bool labelled = is_file(labels);
  if (labelled) found.files.push_back(labels);
  found.open = [images, labels, labelled] {
    ImageArrays arrays;
    arrays.parts.push_back(NpyFile(images).images());
    if (labelled) arrays.labels = NpyFile(labels).labels();
    return arrays;
  };
  return found;
}

}  // namespace

std::optional<ArrayFolder> find_array_folder(const fs::path& folder) {
  for (const auto find : {find_idx_pairs, find_cifar10, find_cifar100, find_stl10, find_npy_pair})
    if (auto found = find(folder)) return found;
  // The folders that the archives of these sets unpack to.
  for (const char* name : {"cifar-10-batches-bin", "cifar-100-binary", "stl10_binary"}) {
    std::error_code error;
    if (fs::is_directory(folder / name, error))
      if (auto found = find_array_folder(folder / name)) return found;
  }
  return std::nullopt;
}

}  // namespace coterie
