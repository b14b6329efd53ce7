#include <cstdlib>
#include <string>

#include "coterie/data/load.h"

namespace fs = std::filesystem;

namespace coterie {
namespace {

struct Known {
  const char* name;
  const char* summary;
  const char* installed;  ///< where its package puts it
  const char* how;
};

constexpr const char* kIdxFiles =
    "put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte (.gz or not) into $COTERIE_DATA/";

constexpr Known kKnown[] = {
    {"fashion-mnist", "70,000 images of clothes, 28 x 28 grey, 10 classes",
     "/usr/share/datasets/fashion-mnist",
     "install the Debian package dataset-fashion-mnist (apt-get install dataset-fashion-mnist), "
     "or "},
    {"mnist", "70,000 handwritten digits, 28 x 28 grey, 10 classes", nullptr, ""},
    {"usps", "9,298 handwritten digits, 16 x 16 grey, 10 classes", nullptr,
     "put images.npy (9298 x 16 x 16, reals in 0..1) and labels.npy into $COTERIE_DATA/"},
    {"cifar-10", "60,000 photos, 32 x 32 colour, 10 classes", nullptr,
     "put the binary version (data_batch_1.bin to data_batch_5.bin, test_batch.bin) into "
     "$COTERIE_DATA/"},
    {"cifar-100", "60,000 photos, 32 x 32 colour, 20 coarse classes", nullptr,
     "put the binary version (train.bin, test.bin) into $COTERIE_DATA/"},
    {"stl-10", "13,000 labelled photos, 96 x 96 colour, 10 classes", nullptr,
     "put the binary version (train_X.bin, train_y.bin, test_X.bin, test_y.bin) into "
     "$COTERIE_DATA/"},
};

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

}  // namespace

std::vector<KnownDataset> known_datasets() {
  const char* variable = std::getenv("COTERIE_DATA");
  const fs::path data = variable ? variable : "";
  std::vector<KnownDataset> datasets;
  for (const auto& known : kKnown) {
    KnownDataset dataset{known.name, known.summary, std::nullopt, known.how};
    if (dataset.how_to_get.find("$COTERIE_DATA") == std::string::npos)
      dataset.how_to_get += kIdxFiles;
    dataset.how_to_get += dataset.name;
    if (!data.empty() && is_folder(data / known.name))
      dataset.found = data / known.name;
    else if (known.installed && is_folder(known.installed))
      dataset.found = known.installed;
    datasets.push_back(std::move(dataset));
  }
  return datasets;
}

}  // namespace coterie
