#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "coterie/core/error.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/data/decode_files.h"
#include "coterie/data/image_files.h"
#include "coterie/data/images/causes.h"
#include "coterie/data/images/decode_one.h"
#include "coterie/data/pack.h"

namespace coterie {
namespace {

using images::BadImage;
using images::ImageHeader;
using images::ImageSource;

constexpr int kSmallestOwnSide = 8;
constexpr int kLargestOwnSide = 224;
constexpr int kDefaultSide = 96;
constexpr std::size_t kCausesShown = 3;
/// Pixels that decoders may hold whole at one time, all threads together.
constexpr std::int64_t kPixelsAtOnce = 256'000'000;

/// Lets threads hold no more than so many pixels at a time; an image of more waits until it is
/// alone.
class PixelBudget {
 public:
  class Hold {
   public:
    Hold(PixelBudget& budget, std::int64_t pixels)
        : budget_(budget), pixels_(std::min(pixels, kPixelsAtOnce)) {
      std::unique_lock lock(budget_.mutex_);
      budget_.freed_.wait(lock, [&] { return budget_.held_ + pixels_ <= kPixelsAtOnce; });
      budget_.held_ += pixels_;
    }
    ~Hold() {
      std::lock_guard lock(budget_.mutex_);
      budget_.held_ -= pixels_;
      budget_.freed_.notify_all();
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    PixelBudget& budget_;
    std::int64_t pixels_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::int64_t held_ = 0;
};

/// Calls `work(i)` for each i in [0, count), one by one as threads come free: images differ too
/// much in size for equal shares. The first exception ends all and is rethrown.
void for_each_image(std::int64_t count, const std::function<void(std::int64_t)>& work) {
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), count));
  if (count == 0) return;
  Team::run(threads, [&](int, Team&) {
    try {
      for (std::int64_t i; (i = next.fetch_add(1)) < count;) work(i);
    } catch (...) {
      std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next.store(count);
    }
    vips_thread_shutdown();
  });
  if (failure) std::rethrow_exception(failure);
}

/// Warnings after which a JPEG has lost pixels. Others, such as stray bytes between two segments,
/// are harmless.
bool tells_of_loss(std::string_view text) {
  for (const char* sign :
       {"premature end", "bad Huffman code", "instead of RST", "bad arithmetic code"})
    if (text.find(sign) != std::string_view::npos) return true;
  return false;
}

class Decoding {
 public:
  Decoding(const ImageFiles& files, const LoadOptions& options, Progress& progress,
           const CancelToken& cancel)
      : files_(files.files),
        options_(options),
        progress_(progress),
        cancel_(cancel),
        headers_(files_.size()),
        causes_(files_.size()) {}

  void read_headers() {
    std::vector<std::size_t> all(files_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    run("reading image headers", all, [this](std::size_t i, const ImageSource& source) {
      headers_[i] = images::read_header(source, options_.max_pixels);
    });
  }

  std::vector<std::size_t> usable() const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (causes_[i].empty()) rows.push_back(i);
    return rows;
  }

  ImageShape choose_shape() const {
    const std::vector<std::size_t> rows = usable();
    int side = options_.image_size;
    if (side == 0) {
      side = headers_[rows[0]].width;
      const auto fits = [&](std::size_t i) {
        return headers_[i].width == side && headers_[i].height == side;
      };
      if (side < kSmallestOwnSide || side > kLargestOwnSide ||
          !std::all_of(rows.begin(), rows.end(), fits))
        side = kDefaultSide;
    }
    int channels = options_.channels;
    if (channels == 0) {
      const auto grey = [&](std::size_t i) { return headers_[i].grey; };
      channels = std::all_of(rows.begin(), rows.end(), grey) ? 1 : 3;
    }
    return {channels, side, side};
  }

  /// Takes the image that belongs into a slot; any thread may call.
  using Sink = std::function<void(std::int64_t slot, std::span<const std::uint8_t> pixels)>;

  /// Decodes the usable files; file usable()[s] goes into slot s.
  void decode(const ImageShape& shape, const Sink& sink) {
    const std::vector<std::size_t> rows = usable();
    std::vector<std::int64_t> slot_of(files_.size());
    for (std::size_t s = 0; s < rows.size(); ++s) slot_of[rows[s]] = static_cast<std::int64_t>(s);
    const images::Target target = {static_cast<int>(shape.width), static_cast<int>(shape.channels),
                                   options_.max_pixels};
    PixelBudget budget;
    run("decoding images", rows, [&](std::size_t i, const ImageSource& source) {
      const ImageHeader& header = headers_[i];
      std::optional<PixelBudget::Hold> hold;
      if (header.whole) hold.emplace(budget, std::int64_t{header.width} * header.height);
      thread_local std::vector<std::uint8_t> pixels;
      pixels.resize(static_cast<std::size_t>(shape.pixels()));
      images::decode_image(source, header, target, pixels);
      sink(slot_of[i], pixels);
    });
  }

  const std::vector<std::string>& causes() const { return causes_; }

 private:
  using Work = std::function<void(std::size_t, const ImageSource&)>;
  enum class Outcome { kDone, kBad, kUnclear };

  void run(const char* phase, const std::vector<std::size_t>& rows, const Work& work) {
    const auto count = static_cast<std::int64_t>(rows.size());
    std::vector<char> unclear(rows.size());
    std::atomic<std::int64_t> done{0};
    progress_.begin(phase, count);
    for_each_image(count, [&](std::int64_t k) {
      cancel_.check();
      unclear[k] = attempt(rows[k], work) == Outcome::kUnclear;
      progress_.update(++done);
    });
    // libvips keeps one error text for all threads: whose it is can only be told when one speaks.
    const std::int64_t open = std::count(unclear.begin(), unclear.end(), 1);
    if (open > 0) progress_.begin("looking at damaged files again", open);
    std::int64_t looked = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (!unclear[k]) continue;
      cancel_.check();
      ask_alone(rows[k], work);
      progress_.update(++looked);
    }
    progress_.end();
  }

  Outcome attempt(std::size_t i, const Work& work) {
    images::take_warnings();
    try {
      images::Kind kind;
      {
        const ImageSource source(files_[i].file, options_.max_file_bytes);
        kind = source.kind();
        try {
          work(i, source);
        } catch (const images::VipsFailure&) {
          if (source.read_error() == 0) throw;
          throw BadImage(images::cause_of_errno(source.read_error()));
        }
      }
      // The JPEG decoder goes on after damage; it warns when the image is let go.
      const bool warned = kind == images::Kind::kJpeg && !images::take_warnings().empty();
      return warned ? Outcome::kUnclear : Outcome::kDone;
    } catch (const BadImage& bad) {
      causes_[i] = bad.what();
      return Outcome::kBad;
    } catch (const images::VipsFailure&) {
      return Outcome::kUnclear;
    }
  }

  void ask_alone(std::size_t i, const Work& work) {
    vips_error_clear();
    images::take_warnings();
    bool failed = false;
    try {
      const ImageSource source(files_[i].file, options_.max_file_bytes);
      work(i, source);
    } catch (const BadImage& bad) {
      causes_[i] = bad.what();
      return;
    } catch (const images::VipsFailure&) {
      failed = true;
    }
    const std::string text = vips_error_buffer();
    if (failed || tells_of_loss(text))
      causes_[i] = images::cause_from_vips(text, images::take_warnings());
  }

  const std::vector<ImageFile>& files_;
  const LoadOptions& options_;
  Progress& progress_;
  const CancelToken& cancel_;
  std::vector<ImageHeader> headers_;
  std::vector<std::string> causes_;
};

std::vector<BadFile> bad_files(const ImageFiles& files, const std::vector<std::string>& causes) {
  std::vector<BadFile> bad = files.bad;
  for (std::size_t i = 0; i < causes.size(); ++i)
    if (!causes[i].empty()) bad.push_back({files.files[i].path, causes[i]});
  std::stable_sort(bad.begin(), bad.end(),
                   [](const BadFile& a, const BadFile& b) { return a.path < b.path; });
  return bad;
}

[[noreturn]] void refuse_all(const std::string& source, const std::vector<BadFile>& bad) {
  if (bad.empty())
    throw UserError("{} holds no files to read (hidden ones are left out)", printable(source));
  std::string first;
  for (std::size_t i = 0; i < std::min(bad.size(), kCausesShown); ++i)
    first += fmt::format("\n  {}: {}", printable(bad[i].path), printable(bad[i].cause));
  throw UserError("none of the {} files in {} could be read as an image; the first causes are:{}",
                  bad.size(), printable(source), first);
}

}  // namespace

void decode_image_files(const ImageFiles& files, const LoadOptions& options,
                        const std::string& source, const std::filesystem::path& pack,
                        Progress& progress, const CancelToken& cancel) {
  if (options.channels != 0 && options.channels != 1 && options.channels != 3)
    throw UserError("channels = {} is not possible: allowed is 1, 3, or 0 for what the images are",
                    options.channels);
  if (options.image_size < 0 || options.image_size > 4096)
    throw UserError("image size = {} is out of range: allowed is 1 to 4096, or 0 for automatic",
                    options.image_size);
  images::start_vips();
  Decoding decoding(files, options, progress, cancel);
  decoding.read_headers();
  const std::vector<std::size_t> candidates = decoding.usable();
  if (candidates.empty()) refuse_all(source, bad_files(files, decoding.causes()));

  PackContent content;
  content.shape = decoding.choose_shape();
  PackWriter writer(pack, content.shape, static_cast<std::int64_t>(candidates.size()));
  decoding.decode(content.shape, [&](std::int64_t slot, std::span<const std::uint8_t> pixels) {
    writer.write_images(slot, pixels);
  });

  std::vector<std::int64_t> slots;
  for (std::size_t s = 0; s < candidates.size(); ++s) {
    if (!decoding.causes()[candidates[s]].empty()) continue;
    slots.push_back(static_cast<std::int64_t>(s));
    content.paths.push_back(files.files[candidates[s]].path);
  }
  content.bad_files = bad_files(files, decoding.causes());
  if (slots.empty()) refuse_all(source, content.bad_files);
  content.source = source;
  content.source_fingerprint = files.fingerprint;
  writer.finish(content, slots);
}

DecodedImages decode_to_memory(const std::vector<std::filesystem::path>& paths, ImageShape shape,
                               const LoadOptions& limits, const CancelToken& cancel) {
  images::start_vips();
  ImageFiles files;
  for (const auto& path : paths) files.files.push_back({path.native(), path});
  Progress silent;
  Decoding decoding(files, limits, silent, cancel);
  decoding.read_headers();
  const std::vector<std::size_t> candidates = decoding.usable();
  const auto size = static_cast<std::size_t>(shape.pixels());
  DecodedImages decoded;
  decoded.pixels.resize(candidates.size() * size);
  decoding.decode(shape, [&](std::int64_t slot, std::span<const std::uint8_t> pixels) {
    std::ranges::copy(pixels, decoded.pixels.begin() + static_cast<std::ptrdiff_t>(slot * size));
  });
  // Files that showed their damage only now leave holes.
  for (std::size_t s = 0; s < candidates.size(); ++s) {
    if (!decoding.causes()[candidates[s]].empty()) continue;
    const auto from = decoded.pixels.begin() + static_cast<std::ptrdiff_t>(s * size);
    const auto to = static_cast<std::ptrdiff_t>(decoded.files.size() * size);
    if (decoded.files.size() < s) std::copy_n(from, size, decoded.pixels.begin() + to);
    decoded.files.push_back(candidates[s]);
  }
  decoded.pixels.resize(decoded.files.size() * size);
  decoded.causes = decoding.causes();
  return decoded;
}

}  // namespace coterie
