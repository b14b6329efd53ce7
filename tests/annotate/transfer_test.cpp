#include "coterie/annotate/transfer.h"

#include <gtest/gtest.h>

#include "annotate/made_run.h"
#include "coterie/annotate/annotation_session.h"
#include "coterie/annotate/constraint_store.h"
#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;

class Transfer : public ::testing::Test {
 protected:
  Transfer() { write_run(folder_ / "run", falling_clusters(2, 4), made_paths(8)); }

  ImportCounts import(const std::string& csv) {
    write_file(folder_ / "in.csv", csv);
    return import_constraints(folder_ / "run", folder_ / "in.csv", "file");
  }
  std::string exported() {
    export_constraints(folder_ / "run", folder_ / "out.csv");
    return read_file(folder_ / "out.csv");
  }
  StoreOwner owner() const { return {"f00d", sha256_file(folder_ / "run" / "assignments.csv")}; }

  TemporaryFolder folder_;
};

TEST_F(Transfer, WhatGoesInComesOut) {
  const ImportCounts counts =
      import("path_a,path_b,link\nimage-0.png,image-1.png,must\nimage-1.png,image-7.png,cannot\n");
  EXPECT_EQ(counts.added, 2);
  EXPECT_EQ(counts.known, 0);
  EXPECT_EQ(counts.contradicting, 0);
  const std::string text = exported();
  EXPECT_EQ(text,
            "id_a,id_b,link,path_a,path_b\n"
            "0,1,must,image-0.png,image-1.png\n"
            "1,7,cannot,image-1.png,image-7.png\n");
  // And in again changes nothing.
  EXPECT_EQ(import(text).known, 2);
  EXPECT_EQ(import(text).added, 0);
  EXPECT_EQ(exported(), text);
}

TEST_F(Transfer, ClustersComeOutAsTheyWereLeft) {
  EXPECT_FALSE(corrected_clusters(folder_ / "run"));
  import("id_a,id_b,link\n0,1,must\n");
  EXPECT_FALSE(corrected_clusters(folder_ / "run"));  // which moved nothing
  FakeTrainer trainer;
  {
    AnnotationSession session(made_run(folder_ / "run", falling_clusters(2, 4)), {}, trainer);
    session.move({0}, 1);
    session.name(1, "dogs");
  }
  auto left = corrected_clusters(folder_ / "run");
  ASSERT_TRUE(left);
  EXPECT_EQ(left->paths, made_paths(8));
  EXPECT_EQ(left->labels, (std::vector<std::int32_t>{1, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(left->clusters, 2);
  EXPECT_EQ(left->name_of(1), "dogs");
  EXPECT_EQ(left->name_of(0), "");
  // What a round trained takes the place of the run's own, and edits go on from it.
  trainer.found = [](const RoundRequest&) {
    return MadeClusters{{1, 1, 1, 1, 0, 0, 0, 0}, std::vector<float>(8, 0.75f), 2};
  };
  {
    AnnotationSession session(made_run(folder_ / "run", falling_clusters(2, 4)), {}, trainer);
    session.train();
    while (session.state().at("training").at("state") == "running")
      session.state_after(-1, std::chrono::milliseconds(1));
    session.move({7}, 1);
  }
  left = corrected_clusters(folder_ / "run");
  ASSERT_TRUE(left);
  EXPECT_EQ(left->labels, (std::vector<std::int32_t>{1, 1, 1, 1, 0, 0, 0, 1}));
  EXPECT_EQ(left->confidences, std::vector<float>(8, 0.75f));
  EXPECT_EQ(left->name_of(0), "dogs");
}

TEST_F(Transfer, ContradictionsAreKeptButNotWritten) {
  const ImportCounts counts = import("id_a,id_b,link\n0,1,must\n1,2,must\n2,0,cannot\n0,1,must\n");
  EXPECT_EQ(counts.added, 3);
  EXPECT_EQ(counts.known, 1);
  EXPECT_EQ(counts.contradicting, 1);
  EXPECT_EQ(export_constraints(folder_ / "run", folder_ / "out.csv"), 2);
  const ConstraintStore store(folder_ / "run", owner(), ConstraintStore::Access::read);
  EXPECT_EQ(store.events().size(), 3u);
  EXPECT_EQ(store.events()[2].annotator, "file");
}

TEST_F(Transfer, AFaultyFileAddsNothing) {
  EXPECT_CONTAINS(user_error_of([&] { import("id_a,id_b,link\n0,1,must\n0,8,must\n"); }), "line 3");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / ConstraintStore::kFile));
}

TEST_F(Transfer, ImportWaitsForNobodyAndExportForAnybody) {
  import("id_a,id_b,link\n0,1,must\n");
  const ConstraintStore held(folder_ / "run", owner(), ConstraintStore::Access::write);
  EXPECT_CONTAINS(user_error_of([&] { import("id_a,id_b,link\n0,2,must\n"); }),
                  "is open for annotation in another process");
  EXPECT_CONTAINS(exported(), "0,1,must");
}

TEST_F(Transfer, EditsComeOutAsConstraints) {
  ConstraintStore(folder_ / "run", owner(), ConstraintStore::Access::write)
      .append({{.kind = EventKind::move,
                .data = {{"images", {2}}, {"to", 1}, {"must", {{2, 4}}}, {"cannot", {{2, 0}}}}}});
  EXPECT_EQ(exported(),
            "id_a,id_b,link,path_a,path_b\n"
            "2,4,must,image-2.png,image-4.png\n"
            "2,0,cannot,image-2.png,image-0.png\n");
}

TEST_F(Transfer, AnswersAloneComeOutOfAFolderThatWasClusteredAnew) {
  import("id_a,id_b,link\n0,1,must\n");
  {
    ConstraintStore store(folder_ / "run", owner(), ConstraintStore::Access::write);
    store.append(
        {{.kind = EventKind::split, .data = {{"images", {2}}, {"name", ""}, {"cannot", {{2, 0}}}}},
         {.kind = EventKind::move, .data = {{"images", {3}}, {"to", 2}}},
         {.kind = EventKind::undo, .undoes = 3}});
  }
  write_run(folder_ / "run", falling_clusters(4, 2), made_paths(8));
  EXPECT_CONTAINS(user_error_of([&] { import("id_a,id_b,link\n0,2,must\n"); }),
                  "belongs to an earlier clustering in this folder");
  EXPECT_EQ(exported(), "id_a,id_b,link,path_a,path_b\n0,1,must,image-0.png,image-1.png\n");
}

TEST_F(Transfer, NeedsAFinishedRun) {
  EXPECT_CONTAINS(user_error_of([&] { export_constraints(folder_ / "none", folder_ / "out.csv"); }),
                  "is no run folder");
}

}  // namespace
}  // namespace coterie
