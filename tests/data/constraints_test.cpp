#include "coterie/data/constraints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "coterie/core/files.h"
#include "coterie/core/random.h"
#include "testing.h"

namespace coterie {
namespace {

using testing::TemporaryFolder;
using testing::user_error_of;
using Constraints = std::vector<Constraint>;
using Closure = std::vector<std::vector<std::optional<Link>>>;

/// All that follows, by applying the two rules until nothing is new: must and must give must, must
/// and cannot give cannot.
Closure closure_of(const Constraints& constraints, std::size_t images) {
  Closure known(images, std::vector<std::optional<Link>>(images));
  for (std::size_t i = 0; i < images; ++i) known[i][i] = Link::must;
  for (const auto& [a, b, link] : constraints) known[a][b] = known[b][a] = link;
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t i = 0; i < images; ++i)
      for (std::size_t j = 0; j < images; ++j)
        for (std::size_t k = 0; k < images; ++k) {
          if (known[i][k] || known[i][j] != Link::must || !known[j][k]) continue;
          known[i][k] = known[k][i] = known[j][k];
          grown = true;
        }
  }
  return known;
}

/// Whether `reason` is a walk from `a` to `b` along constraints that were taken, with as many
/// cannot-links as `link` has.
void expect_explains(const Constraints& reason, const ConstraintGraph& graph, ImagePair pair,
                     Link link) {
  std::int64_t at = pair.a;
  int walls = 0;
  for (const auto& step : reason) {
    EXPECT_NE(std::find(graph.taken().begin(), graph.taken().end(), step), graph.taken().end());
    ASSERT_TRUE(step.a == at || step.b == at);
    at = step.a == at ? step.b : step.a;
    walls += step.link == Link::cannot;
  }
  EXPECT_EQ(at, pair.b);
  EXPECT_EQ(walls, link == Link::cannot ? 1 : 0);
}

TEST(ConstraintGraph, KnowsWhatTheTwoRulesGiveAndNoMore) {
  constexpr std::int64_t kImages = 9;
  int refused = 0, followed = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomStream random(seed, "constraints test");
    ConstraintGraph graph(kImages);
    for (int step = 0; step < 14; ++step) {
      const Constraint constraint{static_cast<std::int64_t>(random.below(kImages)),
                                  static_cast<std::int64_t>(random.below(kImages)),
                                  random.below(5) < 2 ? Link::must : Link::cannot};
      if (constraint.a == constraint.b) continue;
      const auto before = closure_of(graph.taken(), kImages)[constraint.a][constraint.b];
      const bool consistent = !before || *before == constraint.link;
      const std::size_t taken = graph.taken().size();
      ASSERT_EQ(graph.add(constraint), consistent) << "seed " << seed << ", step " << step;
      ASSERT_EQ(graph.taken().size(), taken + consistent);
      refused += !consistent;
    }
    const Closure closure = closure_of(graph.taken(), kImages);
    for (std::int64_t a = 0; a < kImages; ++a)
      for (std::int64_t b = 0; b < kImages; ++b) {
        ASSERT_EQ(graph.between(a, b), closure[a][b]) << "seed " << seed << ": " << a << ", " << b;
        const Constraints reason = graph.reason(a, b);
        if (!closure[a][b]) {
          EXPECT_TRUE(reason.empty());
        } else {
          followed += reason.size() > 1;
          expect_explains(reason, graph, {a, b}, *closure[a][b]);
        }
      }
  }
  EXPECT_GT(refused, 100);  // The sets are such that both things happen.
  EXPECT_GT(followed, 1000);
}

TEST(ConstraintGraph, GivesTheChainThatForbids) {
  ConstraintGraph graph(10);
  EXPECT_TRUE(graph.add({5, 7, Link::must}));
  EXPECT_TRUE(graph.add({1, 2, Link::must}));
  EXPECT_TRUE(graph.add({9, 7, Link::cannot}));
  EXPECT_FALSE(graph.add({9, 5, Link::must}));
  EXPECT_EQ(graph.reason(9, 5), (Constraints{{9, 7, Link::cannot}, {5, 7, Link::must}}));
  EXPECT_EQ(graph.reason(5, 9), (Constraints{{5, 7, Link::must}, {9, 7, Link::cannot}}));
  EXPECT_TRUE(graph.reason(5, 5).empty());
  EXPECT_EQ(graph.between(5, 5), Link::must);
}

TEST(ConstraintGraph, SaysTheSameAgainTwice) {
  ConstraintGraph graph(3);
  EXPECT_TRUE(graph.add({0, 1, Link::must}));
  EXPECT_TRUE(graph.add({1, 0, Link::must}));
  EXPECT_TRUE(graph.add({2, 0, Link::cannot}));
  EXPECT_TRUE(graph.add({1, 2, Link::cannot}));
  EXPECT_FALSE(graph.add({0, 1, Link::cannot}));
  EXPECT_EQ(graph.taken().size(), 4u);
}

TEST(ConstraintGraph, RefusesWhatNamesNoTwoImages) {
  ConstraintGraph graph(4);
  EXPECT_CONTAINS(user_error_of([&] {
                    graph.add({0, 4, Link::must});
                  }),
                  "image 4: allowed is 0 to 3");
  EXPECT_CONTAINS(user_error_of([&] { graph.add({-1, 2, Link::must}); }), "image -1");
  EXPECT_CONTAINS(user_error_of([&] { graph.add({2, 2, Link::must}); }), "image 2 twice");
  EXPECT_CONTAINS(user_error_of([&] { graph.between(0, 4); }), "image 4");
  EXPECT_TRUE(graph.taken().empty());
}

class ConstraintCsv : public ::testing::Test {
 protected:
  Constraints read(const std::string& text) {
    write_file(folder_ / "c.csv", text);
    return read_constraints(folder_ / "c.csv", paths_);
  }
  std::string refusal(const std::string& text) {
    return user_error_of([&] { read(text); });
  }

  TemporaryFolder folder_;
  std::vector<std::string> paths_ = {
      "a.png",   "b, c.png",           "two\nlines \"x\".png",
      " blank ", "bytes \xff\xfe.png", "<img src=x onerror=alert(1)>.png",
      ""};
};

TEST_F(ConstraintCsv, ReadsBackWhatItWrites) {
  Constraints all;
  const auto images = static_cast<std::int64_t>(paths_.size());
  for (std::int64_t a = 0; a < images; ++a)
    all.push_back({a, (a + 1) % images, a % 2 == 0 ? Link::must : Link::cannot});
  EXPECT_EQ(read(constraints_csv(all, paths_)), all);
  EXPECT_EQ(read(constraints_csv({}, paths_)), Constraints{});
}

TEST_F(ConstraintCsv, WritesIdsAndPaths) {
  EXPECT_EQ(constraints_csv({{0, 1, Link::must}, {3, 0, Link::cannot}}, paths_),
            "id_a,id_b,link,path_a,path_b\n"
            "0,1,must,a.png,\"b, c.png\"\n"
            "3,0,cannot,\" blank \",a.png\n");
}

TEST_F(ConstraintCsv, TakesPathsOrIdsInAnyOrderOfColumns) {
  const Constraints wanted = {{0, 1, Link::must}};
  EXPECT_EQ(read("path_b,link,path_a\n\"b, c.png\",must,a.png\n"), wanted);
  EXPECT_EQ(read("note,id_b,id_a,link\nx,1,0,must\n"), wanted);
  // Ids may have changed since, names have not.
  EXPECT_EQ(read("id_a,id_b,link,path_a,path_b\n77,88,must,a.png,\"b, c.png\"\r\n"), wanted);
}

TEST_F(ConstraintCsv, NamesLineFaultAndWhatIsAllowed) {
  EXPECT_CONTAINS(refusal(""), "c.csv is empty");
  EXPECT_CONTAINS(refusal("path_a,path_b\n"), "must name the columns link and path_a, path_b");
  EXPECT_CONTAINS(refusal("link,path_a,id_b\n"), "(or id_a, id_b)");
  const std::string ids = "id_a,id_b,link\n";
  EXPECT_CONTAINS(refusal(ids + "0,1,must\n0,1\n"), "c.csv, line 3: 2 fields, the header has 3");
  EXPECT_CONTAINS(refusal(ids + "0,7,must\n"),
                  "line 2: image 7 is out of range: allowed is 0 to 6");
  EXPECT_CONTAINS(refusal(ids + "-1,0,must\n"), "image -1 is out of range");
  EXPECT_CONTAINS(refusal(ids + "0,x,must\n"), "line 2");
  EXPECT_CONTAINS(refusal(ids + "0,0,must\n"), "line 2: both images are the same");
  EXPECT_CONTAINS(refusal(ids + "0,1,maybe\n"), "link is 'maybe'; allowed is must or cannot");
  EXPECT_CONTAINS(refusal("link,path_a,path_b\nmust,a.png,z.png\n"),
                  "line 2: the data set holds no image 'z.png'");
  EXPECT_CONTAINS(user_error_of([&] { read_constraints(folder_ / "none.csv", paths_); }),
                  "none.csv");
}

}  // namespace
}  // namespace coterie
