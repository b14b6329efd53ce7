#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>

#include "coterie/shallow/agglomerative.h"
#include "coterie/shallow/gaussian_mixture.h"
#include "coterie/shallow/kmeans.h"
#include "coterie/shallow/nmf.h"
#include "coterie/shallow/spectral.h"
#include "shallow/toy_data.h"
#include "testing.h"

namespace coterie {
namespace {

/// One method on one data set by both sides. Lower objectives are better.
struct Comparison {
  double ours = 0;
  double theirs = 0;
  double agreement = 0;  ///< share of rows with the same label, up to names
};

/// The first of these that has scikit-learn; empty where none has.
std::string python_with_sklearn() {
  for (const std::string python : {"python3", "/usr/bin/python3"})
    if (std::system((python + " -c 'import sklearn' 2> /dev/null").c_str()) == 0) return python;
  return {};
}

/// With a little noise: whole numbers leave many distances equal, and then the order of the merges
/// is anyone's choice.
Matrix<float> pendigits(std::int64_t rows) {
  RandomStream random(1, "noise");
  std::ifstream file(testing::shared_data() / "pendigits/pendigits.csv");
  Matrix<float> x(rows, 16);
  std::string line, field;
  std::getline(file, line);
  for (std::int64_t i = 0; i < rows && std::getline(file, line); ++i) {
    std::istringstream fields(line);
    for (std::int64_t d = 0; d < 16 && std::getline(fields, field, ','); ++d)
      x(i, d) = std::stof(field) + static_cast<float>(0.01 * random.uniform());
  }
  return x;
}

/// Images of 16 x 16 in an .npy file of format 1.0, whose header's length stands at byte 8.
Matrix<float> usps(std::int64_t rows) {
  std::ifstream file(testing::shared_data() / "usps/images.npy", std::ios::binary);
  unsigned char length[2] = {};
  file.seekg(8).read(reinterpret_cast<char*>(length), 2).seekg(10 + length[0] + 256 * length[1]);
  Matrix<float> x(rows, 256);
  file.read(reinterpret_cast<char*>(x.data()), x.size() * static_cast<std::int64_t>(sizeof(float)));
  return x;
}

/// Means of the images' 4 x 4 tiles: few enough columns for full covariances of 200 rows.
Matrix<float> tiles(const Matrix<float>& images) {
  Matrix<float> x(images.rows(), 16);
  for (std::int64_t i = 0; i < images.rows(); ++i)
    for (std::int64_t p = 0; p < 256; ++p) x(i, p / 64 * 4 + p % 16 / 4) += images(i, p) / 16;
  return x;
}

template <class T>
void write_values(const std::filesystem::path& path, const T* values, std::size_t count) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values),
             static_cast<std::streamsize>(count * sizeof(T)));
}

void write_mixture(const std::filesystem::path& path, const Mixture& mixture) {
  std::vector<double> values = mixture.weights;
  for (const auto* part : {&mixture.means, &mixture.covariances})
    values.insert(values.end(), part->data(), part->data() + part->size());
  write_values(path, values.data(), values.size());
}

/// Runs our methods, then scikit-learn once for all of them.
class Peers {
 public:
  void add(const std::string& name, const Matrix<float>& x, std::int64_t clusters) {
    write_values(folder_ / (name + ".f32"), x.data(), static_cast<std::size_t>(x.size()));
    const auto task = [&](const std::string& method, const Assignment& found, double objective) {
      tasks_ << fmt::format("{} {} {} {} {} {}\n", name, x.rows(), x.cols(), clusters, method,
                            objective);
      write_values(folder_ / (name + "." + method + ".i32"), found.labels.data(),
                   found.labels.size());
    };
    const std::vector<std::pair<std::string, Covariance>> shapes = {
        {"diagonal", Covariance::diagonal}, {"full", Covariance::full}};
    if (x.cols() <= 16)
      for (const auto& [shape, covariance] : shapes) {
        GaussianMixture mixture({.covariance = covariance, .restarts = 30, .max_iterations = 500});
        const Assignment found = mixture.fit(x, clusters);
        task("gaussian-" + shape, found, 0);
        write_mixture(folder_ / (name + ".gaussian-" + shape + ".f64"), mixture.mixture());
      }
    task("kmeans", KMeans().fit(x, clusters), 0);
    task("spectral", Spectral().fit(x, clusters), 0);
    const std::vector<std::pair<std::string, Linkage>> linkages = {{"ward", Linkage::ward},
                                                                   {"average", Linkage::average},
                                                                   {"complete", Linkage::complete},
                                                                   {"single", Linkage::single}};
    for (const auto& [linkage, value] : linkages)
      task("agglomerative-" + linkage, Agglomerative({.linkage = value}).fit(x, clusters), 0);
    Nmf nmf({.max_iterations = 1000, .tolerance = 1e-6});
    const Assignment found = nmf.fit(x, clusters);
    task("nmf", found, nmf.restarts()[nmf.chosen_restart()].objective);
  }

  /// By data set and method.
  std::map<std::pair<std::string, std::string>, Comparison> compare(const std::string& python) {
    tasks_.close();
    const std::string script = COTERIE_SOURCE_DIR "/tests/peers/sklearn_peer.py";
    const int status =
        std::system((python + " '" + script + "' '" + folder_.path().string() + "'").c_str());
    if (status != 0) throw std::runtime_error("sklearn_peer.py failed");
    std::map<std::pair<std::string, std::string>, Comparison> results;
    std::ifstream file(folder_ / "results.txt");
    std::string name, method;
    Comparison result;
    while (file >> name >> method >> result.ours >> result.theirs >> result.agreement)
      results[{name, method}] = result;
    return results;
  }

 private:
  testing::TemporaryFolder folder_;
  std::ofstream tasks_{folder_ / "tasks.txt"};
};

class SklearnSlow : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string python = python_with_sklearn();
    if (python.empty()) return;
    Peers peers;
    peers.add("blobs", testing::Blobs(600, 10, 6, 6.0, 1, 30.0).features, 6);
    if (std::filesystem::exists(testing::shared_data() / "pendigits"))
      peers.add("pendigits", pendigits(2000), 10);
    if (std::filesystem::exists(testing::shared_data() / "usps")) {
      peers.add("usps", usps(2000), 10);
      peers.add("usps-tiles", tiles(usps(2000)), 10);
    }
    results_ = peers.compare(python);
  }
  void SetUp() override {
    if (results_.empty()) GTEST_SKIP() << "needs scikit-learn: install python3-sklearn";
  }

  /// Our objective may be worse by this part of theirs, unless the labels are the same.
  static void expect_as_good(const std::string& method, double tolerance) {
    int seen = 0;
    for (const auto& [key, result] : results_) {
      if (key.second != method) continue;
      ++seen;
      const double slack = tolerance * std::abs(result.theirs);
      EXPECT_TRUE(result.agreement == 1 || result.ours <= result.theirs + slack)
          << key.first << ": ours " << result.ours << ", theirs " << result.theirs << ", agreement "
          << result.agreement;
    }
    EXPECT_GT(seen, 0) << method;
  }
  static void expect_same_labels(const std::string& method) {
    for (const auto& [key, result] : results_) {
      if (key.second != method) continue;
      EXPECT_EQ(result.agreement, 1.0)
          << key.first << ": ours " << result.ours << ", theirs " << result.theirs;
    }
  }

  static inline std::map<std::pair<std::string, std::string>, Comparison> results_;
};

TEST_F(SklearnSlow, KMeansInertia) { expect_as_good("kmeans", 0.01); }
TEST_F(SklearnSlow, SpectralNormalisedCut) { expect_as_good("spectral", 0.05); }
TEST_F(SklearnSlow, AgglomerativeWardLabels) { expect_same_labels("agglomerative-ward"); }
TEST_F(SklearnSlow, AgglomerativeAverageLabels) { expect_same_labels("agglomerative-average"); }
TEST_F(SklearnSlow, AgglomerativeCompleteLabels) { expect_same_labels("agglomerative-complete"); }
TEST_F(SklearnSlow, AgglomerativeSingleLabels) { expect_same_labels("agglomerative-single"); }
TEST_F(SklearnSlow, DiagonalMixtureLikelihood) { expect_as_good("gaussian-diagonal", 0.01); }
TEST_F(SklearnSlow, FullMixtureLikelihood) { expect_as_good("gaussian-full", 0.01); }
TEST_F(SklearnSlow, NmfResidual) { expect_as_good("nmf", 0.01); }

}  // namespace
}  // namespace coterie
