#include "program/program.h"

namespace coterie {
namespace {

using testing::idx_images;
using testing::Outcome;
using testing::Program;

TEST(ViewsCommand, WritesAPicture) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(30));
  const Outcome outcome = program.run({"views", "images-idx3-ubyte", "--preset", "digits", "--rows",
                                       "4", "--columns", "5", "--out", "seen.png", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  // Cells of 28 pixels twice as large in a frame of 2, six across.
  EXPECT_EQ(outcome.json().at("width"), 6 * 60);
  EXPECT_EQ(outcome.json().at("height"), 4 * 60);
  const std::string first = program.read("seen.png");
  EXPECT_EQ(first.substr(1, 3), "PNG");
  EXPECT_EQ(first.substr(16, 8), std::string("\0\0\x01\x68\0\0\0\xf0", 8));  // 360 x 240
  const std::vector<std::string> plain = {
      "views", "images-idx3-ubyte", "--preset", "digits", "--rows", "4", "--columns", "5"};
  ASSERT_EQ(program.run(plain).code, 0);
  EXPECT_EQ(program.read("views.png"), first);
}

TEST(ViewsCommand, RefusesWhatItCannotDraw) {
  Program program;
  program.write("images-idx3-ubyte", idx_images(3));
  const Outcome preset = program.run({"views", "images-idx3-ubyte", "--preset", "wild"});
  EXPECT_EQ(preset.code, 2);
  EXPECT_CONTAINS(preset.err, "simclr");
  EXPECT_EQ(program.run({"views", "images-idx3-ubyte", "--rows", "0"}).code, 2);
  EXPECT_EQ(program.run({"views", "images-idx3-ubyte", "--seed", "-1"}).code, 2);
  program.write("toy.csv", testing::toy_csv(9));
  const Outcome features = program.run({"views", "toy.csv", "--label-column", "kind"});
  EXPECT_EQ(features.code, 2);
  EXPECT_CONTAINS(features.err, "feature");
}

}  // namespace
}  // namespace coterie
