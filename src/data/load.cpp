#include "coterie/data/load.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/array_folder.h"
#include "coterie/data/csv.h"
#include "coterie/data/idx.h"
#include "coterie/data/image_array.h"
#include "coterie/data/labels.h"
#include "coterie/data/npy.h"
#include "coterie/data/pack.h"
#include "coterie/data/pack_cache.h"
#include "coterie/data/sniff.h"
#include "coterie/data/source.h"

#ifdef COTERIE_IMAGES
#include "coterie/data/image_files.h"
#endif

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr const char* kForms =
    "a folder of images, an .npy of features or images, a .csv of features, an IDX image file, a "
    "folder of CIFAR or STL-10 binaries, a .tar of an image folder, a list file of paths, a pack, "
    "or the name of a known data set";

#ifdef COTERIE_IMAGES
bool named_as_image(const fs::path& path) {
  const std::string end = lower_case(path.extension().native());
  constexpr std::string_view kImageEnds[] = {".jpg", ".jpeg", ".png", ".webp",
                                             ".gif", ".tif",  ".tiff"};
  return std::ranges::find(kImageEnds, end) != std::end(kImageEnds);
}
#endif

/// One call of load_dataset.
class Loader {
 public:
  Loader(const LoadOptions& options, Progress& progress, const CancelToken& cancel)
      : options_(options), progress_(progress), cancel_(cancel) {}

  Dataset load(const fs::path& input) {
    source_ = absolute_path(input);
    std::error_code error;
    const auto status = fs::status(source_, error);
    if (fs::is_directory(status)) return load_folder();
    if (status.type() == fs::file_type::not_found)
      throw UserError("input {} is a link to something that does not exist", shown(input));
    if (status.type() == fs::file_type::none)
      throw UserError("cannot read input {}: {}", shown(input), error.message());
    if (!fs::is_regular_file(status))
      throw UserError("input {} is neither a file nor a folder; give {}", shown(input), kForms);
    return load_file(sniff(source_));
  }

 private:
  Dataset load_folder() {
    if (auto found = find_array_folder(source_)) {
      refuse_label_column();
#ifdef COTERIE_IMAGES
      tell_of_images_beside(found->files);
#endif
      if (!found->missing.empty())
        progress_.warn(fmt::format("{} is loaded without {}, which a complete copy has",
                                   shown(source_), join(found->missing, ", ")));
      return load_arrays(found->files, found->open);
    }
    return load_image_files(Form::unknown);
  }

  Dataset load_file(Form form) {
    if (form != Form::csv) refuse_label_column();
    switch (form) {
      case Form::pack: {
        Dataset dataset = open_pack(source_);
        dataset.opened = source_.native();
        check_size(dataset);
        return dataset;
      }
      case Form::csv:
        return load_csv();
      case Form::npy:
        return load_npy();
      case Form::idx:
        return load_arrays({source_}, [path = source_] {
          return ImageArrays{{open_idx_images(path)}, {}, {}};
        });
      case Form::archive:
        if (source_.extension() == ".npz")
          throw UserError(
              "input {} holds several arrays (.npz); save the one to cluster with "
              "numpy.save as .npy",
              shown(source_));
        return load_image_files(form);
      case Form::list:
        return load_image_files(form);
      case Form::image:
        throw UserError("input {} is a single image; give the folder that holds the images",
                        shown(source_));
      case Form::gzipped:
        throw UserError("input {} is compressed; unpack it (gunzip) and give what comes of it",
                        shown(source_));
      case Form::empty:
        throw UserError("input {} is an empty file", shown(source_));
      case Form::unknown:
        break;
    }
    throw UserError("input {} is of no known form; give {}", shown(source_), kForms);
  }

  Dataset load_csv() {
    CsvFeatures csv = read_csv_features(source_, options_.label_column, cancel_);
    if (options_.label_column.empty()) warn_of_labels(csv);
    Dataset dataset = features_dataset(std::move(csv.rows));
    if (!csv.labels.empty()) {
      Truth truth = encode_truth(csv.labels);
      dataset.truth = std::move(truth.labels);
      dataset.class_names = std::move(truth.class_names);
    }
    return dataset;
  }

  /// Ground truth among the features would decide the clusters.
  void warn_of_labels(const CsvFeatures& csv) {
    constexpr std::string_view kNames[] = {"label", "labels", "class", "target", "truth", "y"};
    const ConstFeatures& rows = csv.rows.values;
    for (std::size_t d = 0; d < csv.columns.size(); ++d) {
      const std::string name = lower_case(csv.columns[d]);
      if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) continue;
      bool whole = true;
      for (std::int64_t i = 0; whole && i < rows.rows; ++i) {
        const float value = rows(i, static_cast<std::int64_t>(d));
        whole = value == std::round(value);
      }
      if (whole)
        progress_.warn(fmt::format(
            "column '{}' of {} is taken as a feature and looks like ground truth; leave it out "
            "with --label-column {}",
            printable(csv.columns[d]), shown(source_), printable(csv.columns[d])));
    }
  }

  Dataset load_npy() {
    const NpyFile file(source_);
    switch (file.shape().size()) {
      case 2: {
        FeatureRows rows = file.features();
        check_finite(rows.values, file.name(), cancel_);
        return features_dataset(std::move(rows));
      }
      case 3:
      case 4:
        return load_arrays({source_}, [file] { return ImageArrays{{file.images()}, {}, {}}; });
      default:
        throw UserError(
            "input {} has {} dimensions; features have 2 (N x D), images 3 or 4 "
            "(N x H x W, N x H x W x 3){}",
            file.name(), file.shape().size(),
            file.shape().size() == 1 && file.is_integer()
                ? ": a list of integers can be given as the labels of another input"
                : "");
    }
  }

  Dataset features_dataset(FeatureRows rows) {
    if (options_.image_size != 0 || options_.channels != 0)
      throw UserError(
          "image size and channels apply to images, and {} holds features; leave them out",
          shown(source_));
    Dataset dataset;
    dataset.features = rows.values;
    dataset.storage = std::move(rows.storage);
    dataset.fingerprint = fingerprint_of(dataset.features, cancel_);
    dataset.source = source_.native();
    const std::string name = source_.filename().native() + '#';
    dataset.paths.reserve(static_cast<std::size_t>(dataset.features.rows));
    for (std::int64_t i = 0; i < dataset.features.rows; ++i)
      dataset.paths.push_back(name + std::to_string(i));
    return dataset;
  }

  Dataset load_arrays(const std::vector<fs::path>& files,
                      const std::function<ImageArrays()>& open) {
    const PackKey key{source_, "arrays", fingerprint_of_files(files)};
    Dataset dataset = cached_pack(cache_folder(options_.cache), key, [&](const fs::path& pack) {
      pack_image_arrays(open(), {pack, source_.native(), key.fingerprint}, progress_, cancel_);
    });
    check_size(dataset);
    return dataset;
  }

  /// Arrays and packs keep their size: another one that was asked for is an error, not ignored.
  void check_size(const Dataset& dataset) const {
    if (dataset.size() == 0) throw UserError("input {} holds no image", shown(source_));
    const auto [channels, height, width] = dataset.shape;
    if (options_.image_size != 0 && (options_.image_size != height || options_.image_size != width))
      throw UserError(
          "image size {} was asked for, but {} holds images of {} x {}, and only image "
          "files are resized; leave the size out",
          options_.image_size, shown(source_), height, width);
    if (options_.channels != 0 && options_.channels != channels)
      throw UserError(
          "{} channels were asked for, but {} holds images of {}, and only image files "
          "are converted; leave the channels out",
          options_.channels, shown(source_), channels);
  }

  void refuse_label_column() const {
    if (!options_.label_column.empty())
      throw UserError(
          "a label column ('{}') applies to a .csv of features, and {} is none; give the "
          "ground truth as labels",
          printable(options_.label_column), shown(source_));
  }

#ifdef COTERIE_IMAGES
  /// A folder of photos in which a file has the name of an array is no data set of arrays; an image
  /// or two beside arrays are left out.
  void tell_of_images_beside(const std::vector<fs::path>& arrays) {
    const auto files = find_image_files(source_, cancel_).files;
    const auto images = static_cast<std::size_t>(std::ranges::count_if(
        files, [](const ImageFile& file) { return named_as_image(file.file); }));
    if (images > arrays.size())
      throw UserError(
          "{} holds images, and {}, which would be loaded instead of them; move it away, or give "
          "the file itself, or a folder of its own",
          shown(source_), printable(arrays[0].filename().native()));
    if (images > 0)
      progress_.warn(fmt::format("{} is loaded from {}; {} beside it {} left out", shown(source_),
                                 printable(arrays[0].filename().native()),
                                 images == 1 ? "an image file" : "image files",
                                 images == 1 ? "is" : "are"));
  }

  Dataset load_image_files(Form form) {
    refuse_label_column();
    const std::string name = fmt::format(
        "image files, form {}, size {}, channels {}, limits {} {}", static_cast<int>(form),
        options_.image_size, options_.channels, options_.max_file_bytes, options_.max_pixels);
    const fs::path cache = cache_folder(options_.cache);
    ImageFiles files;
    if (form == Form::archive)
      files.fingerprint = archive_fingerprint(source_);
    else
      files = form == Form::list ? read_list_file(source_, cancel_)
                                 : find_image_files(source_, cancel_);
    const PackKey key{source_, name, files.fingerprint};
    return cached_pack(cache, key, [&](const fs::path& pack) {
      if (form == Form::archive)
        files = unpack_archive(source_, pack.parent_path(), options_, progress_, cancel_);
      decode_image_files(files, options_, source_.native(), pack, progress_, cancel_);
    });
  }
#else
  [[noreturn]] Dataset load_image_files(Form) const {
    throw UserError(
        "input {} holds image files, which this build does not read (it was made without "
        "libvips); give a pack made by another build, an .npy or an IDX file",
        shown(source_));
  }
#endif

  const LoadOptions& options_;
  Progress& progress_;
  const CancelToken& cancel_;
  fs::path source_;
};

/// The place of an input: a path that exists, or else the folder of a known data set.
fs::path find_input(const std::string& input) {
  std::error_code error;
  if (input.empty()) throw UserError("no input was given; give {}", kForms);
  if (fs::exists(fs::symlink_status(input, error))) return input;
  std::vector<std::string> names;
  for (const auto& known : known_datasets()) {
    names.push_back(known.name);
    if (known.name != input) continue;
    if (known.found) return *known.found;
    throw UserError("the data set {} is not on this machine; to get it, {}", input,
                    known.how_to_get);
  }
  fail_missing("input", input, names);
}

void check_options(const LoadOptions& options) {
  if (options.image_size < 0 || options.image_size > 4096)
    throw UserError("image size = {} is out of range: allowed is 1 to 4096, or 0 for automatic",
                    options.image_size);
  if (options.channels != 0 && options.channels != 1 && options.channels != 3)
    throw UserError("channels = {} is not possible: allowed is 1, 3, or 0 for what the images are",
                    options.channels);
}

}  // namespace

Dataset load_dataset(const std::string& input, const LoadOptions& options, Progress& progress,
                     const CancelToken& cancel) {
  check_options(options);
  Dataset dataset = Loader(options, progress, cancel).load(find_input(input));
  if (!options.labels.empty()) attach_truth(dataset, options.labels);
  return dataset;
}

}  // namespace coterie
