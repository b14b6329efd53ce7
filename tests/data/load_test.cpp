#include "coterie/data/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "coterie/data/pack.h"
#include "made_files.h"

namespace coterie {
namespace {

namespace fs = std::filesystem;
using namespace testing;

/// Sets a variable of the environment for the life of the object.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old, had_ = true;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { had_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::string old_;
  bool had_ = false;
};

class Load : public Loading {
 protected:
  fs::path images() { return made("x-ubyte", idx({2, 1, 2}, "abcd")); }
  fs::path only_pack() {
    for (const auto& entry : fs::directory_iterator(folder_ / "cache")) return entry.path();
    return {};
  }
};

TEST_F(Load, MissingInputsSuggestANeighbour) {
  made("photos.npy", "");
  const auto error = error_of(folder_ / "fotos.npy");
  EXPECT_CONTAINS(error, "fotos.npy does not exist");
  EXPECT_CONTAINS(error, "did you mean 'photos.npy'?");
  EXPECT_CONTAINS(error_of(folder_ / "no" / "x.npy"), "nor does its folder");
  EXPECT_CONTAINS(error_of("fashion-mnits"), "did you mean 'fashion-mnist'?");
  EXPECT_CONTAINS(error_of(""), "no input");
}

TEST_F(Load, AColumnThatLooksLikeGroundTruthIsWarnedOf) {
  load(made("a.csv", "x,Label\n0.5,1\n1.5,2\n"));
  ASSERT_EQ(progress_.warnings.size(), 1u);
  EXPECT_CONTAINS(progress_.warnings[0], "--label-column Label");
  load(made("b.csv", "x,label\n0.5,1.25\n1.5,2\n"));  // measured, not counted
  load(made("c.csv", "x,labelling\n0.5,1\n1.5,2\n"));
  options_.label_column = "label";
  load(made("d.csv", "x,label\n0.5,1\n1.5,2\n"));
  EXPECT_EQ(progress_.warnings.size(), 1u);
}

TEST_F(Load, InputsThatAreNoFilesAreRefused) {
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_CONTAINS(error_of(folder_ / "fifo"), "neither a file nor a folder");
  fs::create_symlink("nothing", folder_ / "link");
  EXPECT_CONTAINS(error_of(folder_ / "link"), "does not exist");
  EXPECT_CONTAINS(error_of(made("x", "")), "empty file");
  EXPECT_CONTAINS(error_of(made("x.bin", "some text")), "no known form");
  EXPECT_CONTAINS(error_of(made("x", std::string("\x7f"
                                                 "ELF\0\0",
                                                 6))),
                  "no known form");
  EXPECT_CONTAINS(error_of(made("x.jpg", "\xff\xd8\xff\xe0")), "a single image");
  EXPECT_CONTAINS(error_of(made("x.npz", "PK\3\4")), "numpy.save");
  EXPECT_CONTAINS(error_of(made("x.pack", "COT")), "no usable pack");
}

TEST_F(Load, ABuildWithoutImageFilesSaysWhatToGive) {
  if (reads_image_files()) GTEST_SKIP() << "this build reads image files";
  made("photos/x.png", "no image");
  const auto error = error_of(folder_ / "photos");
  EXPECT_CONTAINS(error, "this build does not read");
  EXPECT_CONTAINS(error, "give a pack made by another build, an .npy or an IDX file");
  made("list.txt", "photos/x.png\n");
  EXPECT_CONTAINS(error_of(folder_ / "list.txt"), "this build does not read");
  EXPECT_CONTAINS(error_of(made("x.tar.xz", "\xfd" + std::string("7zXZ\0", 5))),
                  "this build does not read");
}

TEST_F(Load, UnreadableInputsAreTold) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const auto path = images();
  ::chmod(path.c_str(), 0);
  EXPECT_CONTAINS(error_of(path), "Permission denied");
}

TEST_F(Load, SecondLoadMapsTheSamePack) {
  const Dataset first = load(images());
  EXPECT_EQ(progress_.phases, Names{"reading images"});
  EXPECT_EQ(first.pack, only_pack());
  const auto written = fs::last_write_time(first.pack);
  const Dataset second = load(folder_ / "x-ubyte");
  EXPECT_EQ(progress_.phases.size(), 1u);
  EXPECT_EQ(second.pack, first.pack);
  EXPECT_EQ(fs::last_write_time(first.pack), written);
  EXPECT_EQ(second.fingerprint, first.fingerprint);
  EXPECT_EQ(second.paths, first.paths);
  EXPECT_EQ(second.source, (folder_ / "x-ubyte").native());
}

TEST_F(Load, AChangedSourceIsReadAgain) {
  const Dataset first = load(images());
  fs::last_write_time(folder_ / "x-ubyte",
                      fs::file_time_type::clock::now() + std::chrono::hours(1));
  load(folder_ / "x-ubyte");
  EXPECT_EQ(progress_.phases.size(), 2u);
  made("x-ubyte", idx({3, 1, 2}, "abcdef"));
  EXPECT_EQ(load(folder_ / "x-ubyte").size(), 3);
  EXPECT_EQ(packs(), 1u);
  // What the first data set maps lives on though its file was replaced.
  EXPECT_EQ(std::string(first.pixels, first.pixels + 4), "abcd");
}

TEST_F(Load, TornPacksAreMadeAgain) {
  load(images());
  const std::string whole = bytes_of_file(only_pack());
  for (const std::string& torn :
       {std::string(), whole.substr(0, 50), whole.substr(0, whole.size() - 1),
        std::string(whole).replace(8192, 8, std::string(8, '\x7f'))}) {
    save(only_pack(), torn);
    EXPECT_EQ(load(folder_ / "x-ubyte").size(), 2);
    EXPECT_EQ(bytes_of_file(only_pack()), whole);
  }
}

TEST_F(Load, SourcesOfOneNameDoNotShareAPack) {
  EXPECT_EQ(load(made("a/x-ubyte", idx({1, 1, 1}, "a"))).pixels[0], 'a');
  EXPECT_EQ(load(made("b/x-ubyte", idx({1, 1, 1}, "b"))).pixels[0], 'b');
  EXPECT_EQ(packs(), 2u);
}

TEST_F(Load, TwoProcessesMayMakeTheSamePack) {
  made("x-ubyte", idx({20000, 10, 10}, counting(2000000)));
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        const Dataset dataset = load(folder_ / "x-ubyte");
        status = dataset.size() == 20000 && dataset.pixels[1999999] == 1999999 % 251 ? 0 : 2;
      } catch (...) {
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  EXPECT_EQ(packs(), 1u);
}

TEST_F(Load, CacheFolderThatCannotBeWrittenIsNamed) {
  made("file", "x");
  options_.cache = folder_ / "file" / "cache";
  const auto input = images();
  const auto error = user_error_of([&] { load_dataset(input, options_, progress_, cancel_); });
  EXPECT_CONTAINS(error, "file/cache, cannot be written to");
  EXPECT_CONTAINS(error, "COTERIE_CACHE");
}

TEST_F(Load, CacheFolderFollowsTheEnvironment) {
  const auto input = images();
  const std::string one = folder_ / "one", two = folder_ / "two", home = folder_ / "home";
  const auto pack_of = [&] {
    return load_dataset(input, {}, progress_, cancel_).pack.parent_path();
  };
  Variable chosen("COTERIE_CACHE", one.c_str()), xdg("XDG_CACHE_HOME", two.c_str()),
      house("HOME", home.c_str());
  EXPECT_EQ(pack_of(), one);
  Variable no_choice("COTERIE_CACHE", nullptr);
  EXPECT_EQ(pack_of(), two + "/coterie");
  Variable no_xdg("XDG_CACHE_HOME", nullptr);
  EXPECT_EQ(pack_of(), home + "/.cache/coterie");
  Variable no_home("HOME", nullptr);
  EXPECT_CONTAINS(user_error_of(pack_of), "set COTERIE_CACHE");
}

TEST_F(Load, APackIsAnInput) {
  const Dataset first = load(images());
  fs::copy_file(first.pack, folder_ / "moved.pack");
  const Dataset second = load(folder_ / "moved.pack");
  EXPECT_EQ(second.fingerprint, first.fingerprint);
  EXPECT_EQ(second.source, first.source);
  EXPECT_EQ(second.pack, folder_ / "moved.pack");
  EXPECT_EQ(packs(), 1u);
}

TEST_F(Load, PhotosBesideAFileWithTheNameOfAnArrayAreNotLeftOutInSilence) {
  if (!reads_image_files()) GTEST_SKIP() << "this build reads no image files";
  made("set/images.npy", npy("|u1", "(2, 1, 1)", "ab"));
  made("set/cover.png", "an image");
  EXPECT_EQ(load(folder_ / "set").size(), 2);
  ASSERT_EQ(progress_.warnings.size(), 1u);
  EXPECT_CONTAINS(progress_.warnings[0], "is loaded from images.npy; an image file beside it is");
  // Pictures of runs are no photos.
  for (const char* tile : {"1.png", "2.png"}) made(std::string("set/runs/one/") + tile, "an image");
  made("set/runs/one/manifest.json", R"({"coterie": 1, "status": "finished"})");
  EXPECT_EQ(load(folder_ / "set").size(), 2);
  made("set/cats/1.JPG", "an image");
  EXPECT_CONTAINS(error_of(folder_ / "set"),
                  "holds images, and images.npy, which would be loaded instead of them");
}

TEST_F(Load, RowsThatAreCompressedAreNamedSo) {
  if (!reads_gzip()) GTEST_SKIP() << "this build has no zlib";
  const std::string rows = npy("<f4", "(2, 1)", std::string(8, '\0'));
  EXPECT_CONTAINS(error_of(made("rows.npy.gz", gzip(rows))), "is compressed; unpack it (gunzip)");
  EXPECT_CONTAINS(error_of(made("rows", gzip(rows))), "is compressed");
  EXPECT_CONTAINS(error_of(made("rows.csv.gz", gzip("a,b\n1,2\n"))), "is compressed");
}

TEST_F(Load, LabelsReplaceTheTruthOfTheSet) {
  made("set/images.npy", npy("|u1", "(2, 1, 1)", "ab"));
  made("set/labels.npy", npy("|u1", "(2,)", "\1\2"));
  EXPECT_EQ(load(folder_ / "set").truth, (Labels{0, 1}));
  options_.labels = made("other.npy", npy("|u1", "(2,)", "\3\3"));
  EXPECT_EQ(load(folder_ / "set").truth, (Labels{0, 0}));
  options_.labels = made("other.npy", npy("|u1", "(1,)", "\3"));
  EXPECT_CONTAINS(error_of(folder_ / "set"), "holds 1 labels");
}

TEST_F(Load, OptionsThatDoNotFitTheInputAreRefused) {
  options_.label_column = "label";
  EXPECT_CONTAINS(error_of(images()), "label column ('label') applies to a .csv");
  options_ = {};
  options_.image_size = 32;
  EXPECT_CONTAINS(error_of(images()), "image size 32 was asked for");
  EXPECT_CONTAINS(error_of(made("x.csv", "a,b\n1,2\n")), "apply to images");
  options_ = {};
  options_.channels = 3;
  EXPECT_CONTAINS(error_of(images()), "3 channels were asked for");
  options_.channels = 2;
  EXPECT_CONTAINS(error_of(images()), "channels = 2");
  options_ = {};
  options_.image_size = -1;
  EXPECT_CONTAINS(error_of(images()), "image size = -1");
}

TEST_F(Load, NewFilesDoNotPassForOldOnesOfTheSameSizeAndTime) {
  const auto path = images();
  const auto time = fs::last_write_time(path);
  load(path);
  made("x-ubyte", idx({1, 2, 2}, "abcd"));
  fs::last_write_time(path, time);
  // Same name, size and time: the one case that the fingerprint cannot see.
  EXPECT_EQ(load(path).size(), 2);
  made("x-ubyte", idx({1, 2, 3}, "abcdef"));
  fs::last_write_time(path, time);
  EXPECT_EQ(load(path).size(), 1);
}

TEST_F(Load, KnownNamesAreFoundInTheDataFolder) {
  const std::string data = folder_ / "data";
  Variable variable("COTERIE_DATA", data.c_str());
  EXPECT_CONTAINS(error_of("usps"), "put images.npy");
  made("data/usps/images.npy", npy("|u1", "(2, 1, 1)", "ab"));
  const Dataset dataset = load("usps");
  EXPECT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.source, data + "/usps");
  int found = 0;
  for (const auto& known : known_datasets()) {
    EXPECT_FALSE(known.summary.empty());
    EXPECT_CONTAINS(known.how_to_get, "$COTERIE_DATA/" + known.name);
    EXPECT_EQ(known.how_to_get.find("http"), std::string::npos);
    if (known.name == "usps") found += known.found == fs::path(data) / "usps";
    if (known.name == "mnist") found += !known.found;
  }
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace coterie
