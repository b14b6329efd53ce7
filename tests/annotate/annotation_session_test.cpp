#include "coterie/annotate/annotation_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <memory>
#include <set>
#include <thread>

#include "annotate/made_run.h"
#include "coterie/annotate/transfer.h"
#include "coterie/core/files.h"
#include "testing.h"

namespace coterie {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using Ids = std::vector<std::int64_t>;
using Json = nlohmann::json;

constexpr std::int64_t kClusters = 3;
constexpr std::int64_t kSize = 20;  // of each cluster: 0..19, 20..39, 40..59
constexpr std::int64_t kImages = kClusters * kSize;
constexpr std::int64_t kSecond = kSize;     // the surest image of cluster 1
constexpr std::int64_t kThird = 2 * kSize;  // of cluster 2

/// The message of the Conflict that `work` throws.
template <class Work>
std::string conflict_of(Work&& work) {
  try {
    work();
  } catch (const Conflict& conflict) {
    return conflict.what();
  }
  ADD_FAILURE() << "no Conflict was thrown";
  return {};
}

class Session : public ::testing::Test {
 protected:
  Session() { start(); }

  void start(SessionOptions options = {.annotator = "Ada"}) {
    session.reset();  // One process at a time has the store.
    const auto made = falling_clusters(kClusters, kSize);
    session =
        std::make_unique<AnnotationSession>(made_run(folder_ / "run", made), options, trainer);
  }
  std::filesystem::path run() const { return folder_ / "run"; }

  Json questions() const { return session->questions(100).at("questions"); }
  Ids ids() const {
    Ids all;
    for (const auto& question : questions()) all.push_back(question.at("id"));
    return all;
  }
  /// Answers all open questions, the last one with `last`.
  void answer_all(Answer answer, Answer last) const {
    const Ids all = ids();
    for (const auto id : all) session->answer(id, id == all.back() ? last : answer);
  }
  Json wait_for_training() const {
    Json state = session->state();
    while (state.at("training").at("state") == "running")
      state = session->state_after(state.at("version"), milliseconds(10'000));
    return state;
  }
  Ids members(std::int64_t cluster) const {
    Ids images;
    const auto page = session->cluster({.cluster = cluster, .count = 1000});
    for (const auto& image : page.at("images")) images.push_back(image.at("id"));
    return images;
  }
  std::vector<Event> events() const {
    return ConstraintStore(run(), {"f00d", ""}, ConstraintStore::Access::read).events();
  }
  /// Adds constraints of a csv while no session has the store.
  void import(const std::string& csv) {
    session.reset();
    write_file(folder_ / "c.csv", csv);
    import_constraints(run(), folder_ / "c.csv", "file");
    start();
  }

  TemporaryFolder folder_;
  FakeTrainer trainer;
  std::unique_ptr<AnnotationSession> session;
};

TEST_F(Session, BeginsWithTheFirstRound) {
  const Json state = session->state();
  EXPECT_EQ(state.at("run"), "run");
  EXPECT_EQ(state.at("method"), "dpac");
  EXPECT_EQ(state.at("images"), kImages);
  EXPECT_EQ(state.at("clusters"), 3);
  EXPECT_EQ(state.at("shape"), Json({1, 4, 4}));
  EXPECT_EQ(state.at("round"), 1);
  EXPECT_EQ(state.at("answered"), 0);
  EXPECT_EQ(state.at("undoable"), 0);
  EXPECT_EQ(state.at("training").at("state"), "idle");
  EXPECT_EQ(state.at("contradictions"), Json::array());
  EXPECT_EQ(state.at("budget"), questions().size());
}

TEST_F(Session, TheBudgetIsA25thOfTheImagesWithinTenAndAHundred) {
  // 60 images: a fifth of them, 12, has at most 9 pairs (12 - 3 clusters); the next has the tenth.
  EXPECT_EQ(session->state().at("budget"), 10);
  start({.budget = 2});
  EXPECT_EQ(session->state().at("budget"), 2);
  for (const auto& [size, budget] : {std::pair(100, 12), {1000, 100}}) {
    AnnotationSession large(
        made_run(folder_ / std::to_string(size), falling_clusters(kClusters, size)), {}, trainer);
    EXPECT_EQ(large.state().at("budget"), budget);
  }
}

TEST_F(Session, AsksWhatTheModelKnowsLeastAboutFirst) {
  double before = 0;
  std::set<std::int64_t> seen;
  for (const auto& question : questions()) {
    const std::int64_t a = question.at("a"), b = question.at("b");
    EXPECT_TRUE(seen.insert(question.at("id").get<std::int64_t>()).second);
    EXPECT_EQ(a / kSize, b / kSize);  // Pairs of one cluster promise must-links.
    EXPECT_EQ(question.at("cluster"), a / kSize);
    // In the made run p = (c, rest / 2, rest / 2).
    const auto confidence = [](std::int64_t image) {
      return 0.95 - 0.4 * static_cast<double>(image % kSize) / 19;
    };
    const double p = confidence(a), q = confidence(b);
    const double same = p * q + (1 - p) * (1 - q) / 2;
    EXPECT_NEAR(question.at("same"), same, 1e-6);
    EXPECT_GE(std::abs(same - 0.5), before - 1e-6);
    before = std::abs(same - 0.5);
  }
  EXPECT_EQ(session->questions(3).at("questions").size(), 3u);
}

TEST_F(Session, NeighboursAreTheNearestOfTheSameCluster) {
  const Json question = questions().at(0);
  for (const char* end : {"a", "b"}) {
    const std::int64_t image = question.at(end);
    const Ids near = question.at(std::string("near_") + end);
    ASSERT_EQ(near.size(), 6u);
    EXPECT_EQ(std::count(near.begin(), near.end(), image), 0);
    for (const auto other : near) {
      EXPECT_EQ(other / kSize, image / kSize);
      EXPECT_LE(std::abs(other - image), 6);  // Confidence falls evenly with the id.
    }
  }
}

TEST_F(Session, AnAnswerIsOnDiskAndCounts) {
  const Json before = session->state();
  const Ids all = ids();
  session->answer(all[0], Answer::must);
  session->answer(all[1], Answer::cannot);
  session->answer(all[2], Answer::skip);
  const Json after = session->state();
  EXPECT_EQ(after.at("answered"), 2);
  EXPECT_EQ(after.at("skipped"), 1);
  EXPECT_EQ(after.at("total"), Json({{"must", 1}, {"cannot", 1}, {"skip", 1}}));
  EXPECT_EQ(after.at("undoable"), 3);
  EXPECT_GT(after.at("version"), before.at("version"));
  EXPECT_EQ(ids(), Ids(all.begin() + 3, all.end()));
  ASSERT_EQ(events().size(), 3u);
  EXPECT_EQ(events()[0].annotator, "Ada");
  EXPECT_EQ(events()[0].a * kImages + events()[0].b, all[0]);
}

TEST_F(Session, AQuestionIsAnsweredOnce) {
  const auto id = ids()[0];
  session->answer(id, Answer::must);
  EXPECT_CONTAINS(conflict_of([&] { session->answer(id, Answer::cannot); }),
                  "was answered already");
  EXPECT_CONTAINS(conflict_of([&] { session->answer(0 * kImages + 59, Answer::must); }),
                  "is not one of this round");
  for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{0}, kImages * kImages,
                                   std::int64_t{5} * kImages + 5, INT64_MAX, INT64_MIN})
    EXPECT_CONTAINS(user_error_of([&] { session->answer(wrong, Answer::must); }), "out of range");
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(Session, OfTwoClientsOneAnswers) {
  const auto id = ids()[0];
  std::atomic<int> won{0}, lost{0};
  const auto client = [&](Answer answer) {
    try {
      session->answer(id, answer);
      ++won;
    } catch (const Conflict&) {
      ++lost;
    }
  };
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back(client, i % 2 == 0 ? Answer::must : Answer::cannot);
  for (auto& thread : clients) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 7);
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(Session, WhatFollowsIsFilledInAndNotAsked) {
  // Two questions of a cluster share their first image; that their second ones belong together is
  // said by a file.
  const Json first = questions().at(0);
  Json second;
  for (const auto& question : questions())
    if (question.at("a") == first.at("a") && question != first) second = question;
  ASSERT_FALSE(second.is_null());
  import(fmt::format("id_a,id_b,link\n{},{},must\n", first.at("b").dump(), second.at("b").dump()));
  const Ids before = ids();
  EXPECT_EQ(session->state().at("filled"), 0);
  session->answer(first.at("id"), Answer::cannot);
  EXPECT_EQ(session->state().at("filled"), 1);
  EXPECT_EQ(session->state().at("answered"), 1);
  EXPECT_EQ(ids().size(), before.size() - 2);
  // A page that shows it still may answer it; the opposite is a contradiction with a reason.
  session->answer(second.at("id"), Answer::must);
  const Json state = session->state();
  EXPECT_EQ(state.at("filled"), 0);
  EXPECT_EQ(state.at("answered"), 2);
  ASSERT_EQ(state.at("contradictions").size(), 1u);
  EXPECT_EQ(state.at("contradictions")[0].at("event"), 3);
  EXPECT_EQ(state.at("contradictions")[0].at("a"), second.at("a"));
  EXPECT_EQ(state.at("contradictions")[0].at("because").size(), 2u);
  // It is not trained on.
  session->train();
  wait_for_training();
  EXPECT_EQ(trainer.requests.at(0).corrections.constraints.size(), 2u);
}

TEST_F(Session, UndoGoesDownToTheVeryFirstAlsoAfterARestart) {
  const Ids all = ids();
  session->answer(all[0], Answer::must);
  session->move({0, 1}, 1);
  session->name(2, "shoes");
  start();
  EXPECT_EQ(session->state().at("undoable"), 3);
  EXPECT_EQ(session->undo(), Json({{"kind", "name"}, {"cluster", 2}, {"name", "shoes"}}));
  EXPECT_EQ(session->undo(), Json({{"kind", "move"}, {"images", {0, 1}}, {"to", 1}}));
  start();
  EXPECT_EQ(session->undo().at("kind"), "pair");
  EXPECT_CONTAINS(conflict_of([&] { session->undo(); }), "nothing to take back");
  EXPECT_EQ(ids(), all);
  EXPECT_EQ(members(0).size(), 20u);
  // Nothing is ever lost from the record.
  EXPECT_EQ(events().size(), 6u);
}

TEST_F(Session, ARestartShowsTheSame) {
  answer_all(Answer::must, Answer::must);
  wait_for_training();
  session->answer(ids()[0], Answer::cannot);
  session->split({3, 4}, "odd");
  Json before = session->state();
  const Json open = questions(), clusters = session->clusters();
  start();
  Json after = session->state();
  for (auto* state : {&before, &after}) state->erase("version");
  EXPECT_EQ(before, after);
  EXPECT_EQ(after.at("round"), 2);
  EXPECT_EQ(questions(), open);
  EXPECT_EQ(session->clusters(), clusters);
}

TEST_F(Session, TrainingBeginsWithTheLastAnswer) {
  const Ids first_round = ids();
  for (std::size_t i = 0; i + 1 < first_round.size(); ++i)
    session->answer(first_round[i], Answer::must);
  EXPECT_TRUE(trainer.requests.empty());
  session->answer(first_round.back(), Answer::skip);
  const Json state = wait_for_training();
  ASSERT_EQ(trainer.requests.size(), 1u);
  const RoundRequest& request = trainer.requests[0];
  EXPECT_EQ(request.from, run());
  EXPECT_EQ(request.out, run() / "rounds" / "001");
  EXPECT_EQ(request.clusters, 3);
  EXPECT_FALSE(request.labels_changed);
  EXPECT_EQ(request.corrections.constraints.size(), first_round.size() - 1);
  EXPECT_EQ(state.at("round"), 2);
  EXPECT_EQ(state.at("answered"), 0);
  EXPECT_EQ(state.at("training").at("state"), "idle");
  // No pair is asked about twice.
  for (const auto id : ids()) EXPECT_EQ(std::count(first_round.begin(), first_round.end(), id), 0);
  // The next one goes on from there, and answers add up.
  answer_all(Answer::cannot, Answer::cannot);
  wait_for_training();
  EXPECT_EQ(trainer.requests.at(1).from, run() / "rounds" / "001");
  EXPECT_EQ(trainer.requests.at(1).out, run() / "rounds" / "002");
  EXPECT_GT(trainer.requests.at(1).corrections.constraints.size(), first_round.size());
}

TEST_F(Session, AnAnswerOfAnEarlierRoundThatIsTakenBackIsAskedAgain) {
  const auto last = ids().back();
  answer_all(Answer::must, Answer::cannot);
  wait_for_training();
  const std::size_t open = ids().size();
  session->undo();
  ASSERT_EQ(ids().size(), open + 1);
  EXPECT_EQ(ids().back(), last);
  EXPECT_EQ(session->state().at("budget"), open + 1);
  session->answer(last, Answer::must);
  EXPECT_EQ(ids().size(), open);
}

TEST_F(Session, WhoSkipsAllIsAskedAboutOthers) {
  start({.budget = 2});
  const Ids first = ids();
  ASSERT_EQ(first.size(), 2u);
  answer_all(Answer::skip, Answer::skip);
  EXPECT_TRUE(trainer.requests.empty());
  const Ids more = ids();
  EXPECT_EQ(more.size(), 2u);
  for (const auto id : more) EXPECT_EQ(std::count(first.begin(), first.end(), id), 0);
  start({.budget = 2});
  EXPECT_EQ(ids(), more);
  EXPECT_EQ(session->state().at("budget"), 4);
}

TEST_F(Session, WhoSkipsAllOfALaterRoundIsAskedAboutOthersToo) {
  start({.budget = 2});
  answer_all(Answer::must, Answer::must);
  wait_for_training();
  const std::size_t trained = trainer.requests.size();
  const Ids first = ids();
  answer_all(Answer::skip, Answer::skip);
  EXPECT_EQ(trainer.requests.size(), trained);
  EXPECT_EQ(session->state().at("round"), 2);
  EXPECT_FALSE(ids().empty());
  for (const auto id : ids()) EXPECT_EQ(std::count(first.begin(), first.end(), id), 0);
}

TEST_F(Session, QuestionsThatCameAfterSkippedOnesAreThereAfterARestart) {
  start({.budget = 3});
  answer_all(Answer::skip, Answer::skip);
  ASSERT_EQ(ids().size(), 3u);
  session->answer(ids()[0], Answer::cannot);
  const Json before = session->state();
  const Ids open = ids();
  EXPECT_FALSE(open.empty());
  start({.budget = 3});
  const Json after = session->state();
  EXPECT_EQ(ids(), open);
  for (const char* count : {"budget", "answered", "skipped", "filled"})
    EXPECT_EQ(after.at(count), before.at(count)) << count;
}

TEST_F(Session, FewImagesAreAskedAboutAcrossTheParts) {
  session.reset();
  session = std::make_unique<AnnotationSession>(made_run(folder_ / "few", falling_clusters(2, 6)),
                                                SessionOptions{.budget = 8}, trainer);
  EXPECT_EQ(ids().size(), 8u);
  const Ids all = ids();
  EXPECT_EQ(std::set<std::int64_t>(all.begin(), all.end()).size(), 8u);
}

TEST_F(Session, QuestionsNameTheFiles) {
  const Json question = questions()[0];
  const auto name = [&](const char* key) {
    return fmt::format("image-{}.png", question.at(key).get<int>());
  };
  EXPECT_EQ(question.at("path_a"), name("a"));
  EXPECT_EQ(question.at("path_b"), name("b"));
}

TEST_F(Session, NothingChangesWhileATrainingRuns) {
  std::promise<void> go;
  trainer.work = [&, ready = go.get_future().share()](Progress& progress, const CancelToken&) {
    progress.begin("corrections", 4);
    progress.update(1, "epoch 1/4");
    ready.wait();
  };
  const auto id = ids()[0];
  session->answer(id, Answer::must);
  const auto open = ids();
  session->train();
  Json state = session->state();
  EXPECT_EQ(state.at("training").at("state"), "running");
  EXPECT_EQ(state.at("training").at("round"), 2);
  while (state.at("training").at("text") != "corrections")
    state = session->state_after(state.at("version"), milliseconds(10'000));
  const std::string running = "a training is running";
  EXPECT_CONTAINS(conflict_of([&] { session->answer(open[0], Answer::must); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->undo(); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->move({0}, 1); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->split({0}, ""); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->merge(0, 1); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->name(0, "x"); }), running);
  EXPECT_CONTAINS(conflict_of([&] { session->train(); }), running);
  EXPECT_EQ(ids(), open);  // Looking is allowed.
  EXPECT_EQ(events().size(), 1u);
  go.set_value();
  EXPECT_EQ(wait_for_training().at("round"), 2);
}

TEST_F(Session, AFailedTrainingIsShownAndLeavesAllAsItWas) {
  trainer.work = [](auto&, auto&) { throw UserError("the disk is full"); };
  session->answer(ids()[0], Answer::must);
  const Ids open = ids();
  session->train();
  const Json state = wait_for_training();
  EXPECT_EQ(state.at("training").at("state"), "failed");
  EXPECT_EQ(state.at("training").at("error"), "the disk is full");
  EXPECT_EQ(state.at("round"), 1);
  EXPECT_EQ(ids(), open);
  trainer.work = [](auto&, auto&) {};
  session->train();
  EXPECT_EQ(wait_for_training().at("training").at("state"), "idle");
  EXPECT_EQ(session->state().at("round"), 2);
}

TEST_F(Session, ATrainingThatLeavesOtherImagesFails) {
  trainer.found = [](const RoundRequest&) { return falling_clusters(2, 3); };
  session->answer(ids()[0], Answer::must);
  session->train();
  EXPECT_CONTAINS(wait_for_training().at("training").at("error").get<std::string>(),
                  "holds 6 rows where its data has 60");
  EXPECT_EQ(session->state().at("round"), 1);
}

TEST_F(Session, ATrainingThatIsStoppedLeavesTheRoundAsItWas) {
  trainer.work = [](auto&, const CancelToken& cancel) {
    while (!cancel.cancelled()) std::this_thread::sleep_for(milliseconds(1));
  };
  EXPECT_CONTAINS(conflict_of([&] { session->stop_training(); }), "no training is running");
  session->answer(ids()[0], Answer::must);
  const Ids open = ids();
  session->train();
  session->stop_training();
  const Json state = wait_for_training();
  EXPECT_EQ(state.at("training").at("state"), "idle");
  EXPECT_EQ(state.at("round"), 1);
  EXPECT_EQ(ids(), open);
  session->undo();  // what a training would not allow
  trainer.work = [](auto&, auto&) {};
  session->answer(ids()[0], Answer::cannot);
  session->train();
  EXPECT_EQ(wait_for_training().at("round"), 2);
  EXPECT_FALSE(session->stop());
}

TEST_F(Session, StopCancelsATrainingAndLosesNothing) {
  trainer.work = [](auto&, const CancelToken& cancel) {
    while (!cancel.cancelled()) std::this_thread::sleep_for(milliseconds(1));
  };
  session->answer(ids()[0], Answer::must);
  session->train();
  EXPECT_TRUE(session->stop());
  EXPECT_CONTAINS(conflict_of([&] { session->train(); }), "the program is ending");
  trainer.work = [](auto&, auto&) {};
  start();
  EXPECT_EQ(session->state().at("round"), 1);
  EXPECT_EQ(session->state().at("answered"), 1);
  session->train();
  EXPECT_EQ(wait_for_training().at("round"), 2);
  EXPECT_EQ(trainer.requests[0].out, trainer.requests[1].out);
  EXPECT_EQ(trainer.requests[0].corrections.constraints,
            trainer.requests[1].corrections.constraints);
  EXPECT_FALSE(session->stop());
}

TEST_F(Session, ATrainingNeedsSomethingToLearn) {
  EXPECT_CONTAINS(conflict_of([&] { session->train(); }), "nothing to learn yet");
  session->name(0, "a name teaches nothing");
  EXPECT_CONTAINS(conflict_of([&] { session->train(); }), "nothing to learn yet");
}

TEST_F(Session, MovedImagesLinkToTheSurestThatNobodyMoved) {
  session->move({4, 3}, 1);
  EXPECT_EQ(events().back().data, Json({{"images", {3, 4}},
                                        {"to", 1},
                                        {"must", {{3, kSecond}, {4, kSecond}}},
                                        {"cannot", {{3, 0}, {4, 0}}}}));
  EXPECT_EQ(members(0).size(), 18u);
  EXPECT_EQ(members(1).size(), 22u);
  // The surest of cluster 0 itself moves: what stays is 1, and in cluster 2 it meets 40.
  session->move({0, kSecond}, 2);
  EXPECT_EQ(events().back().data.at("must"), Json({{0, kThird}, {kSecond, kThird}}));
  EXPECT_EQ(events().back().data.at("cannot"), Json({{0, 1}, {kSecond, kSecond + 1}}));
  // Neither 0 nor 20 speak for cluster 2 now, though they are as sure as 40.
  session->move({5}, 2);
  EXPECT_EQ(events().back().data.at("must"), Json({{5, kThird}}));
  for (const auto& image : session->cluster({.cluster = 2, .count = 5}).at("images"))
    EXPECT_EQ(image.at("edited"), image.at("id") == 0 || image.at("id") == kSecond);
}

TEST_F(Session, ImagesThatAreThereAlreadyDoNotMove) {
  session->move({0, kSecond, kSecond}, 1);
  EXPECT_EQ(events().back().data.at("images"), Json({0}));
  EXPECT_CONTAINS(user_error_of([&] { session->move({kSecond}, 1); }),
                  "all of these images are in cluster 1 already");
}

TEST_F(Session, ASplitLinksItsImagesAndKeepsThemFromTheRest) {
  session->split({7, 2, kSecond + 3}, "odd ones");
  EXPECT_EQ(events().back().data.at("must"), Json({{7, 2}, {kSecond + 3, 2}}));
  EXPECT_EQ(events().back().data.at("cannot"), Json({{2, 0}, {kSecond + 3, kSecond}}));
  EXPECT_EQ(members(3), (Ids{2, kSecond + 3, 7}));
  const Json cluster = session->clusters().at("clusters").at(3);
  EXPECT_EQ(cluster.at("id"), 3);
  EXPECT_EQ(cluster.at("name"), "odd ones");
  EXPECT_EQ(cluster.at("size"), 3);
  EXPECT_EQ(cluster.at("examples"), Json({2, kSecond + 3, 7}));
  EXPECT_EQ(session->state().at("clusters"), 4);
  EXPECT_CONTAINS(user_error_of([&] {
                    session->split({2, 7, kSecond + 3}, "");
                  }),
                  "all images of cluster 3");
}

TEST_F(Session, AMergeLinksTheSurestOfBoth) {
  session->merge(0, 2);
  EXPECT_EQ(events().back().data.at("must"), Json({{0, kThird}}));
  EXPECT_EQ(members(2).size(), 40u);
  EXPECT_EQ(session->clusters().at("clusters").size(), 2u);
  EXPECT_CONTAINS(user_error_of([&] { session->merge(0, 1); }), "there is no cluster 0");
  EXPECT_CONTAINS(user_error_of([&] { session->merge(1, 1); }), "cannot be merged into itself");
  EXPECT_CONTAINS(user_error_of([&] { session->merge(1, 2); }), "are the last two");
}

TEST_F(Session, AClusterIsShownInEitherOrderAndInPages) {
  EXPECT_EQ(members(0).front(), 0);
  EXPECT_EQ(members(0).back(), 19);
  const Json page =
      session->cluster({.cluster = 1, .offset = 18, .count = 5, .unsure_first = true});
  EXPECT_EQ(page.at("total"), 20);
  ASSERT_EQ(page.at("images").size(), 2u);
  EXPECT_EQ(page.at("images")[0].at("id"), kSecond + 1);
  EXPECT_EQ(page.at("images")[1].at("id"), kSecond);
  EXPECT_EQ(page.at("images")[1].at("path"), "image-20.png");
  EXPECT_NEAR(page.at("images")[1].at("confidence"), 0.95, 1e-6);
  EXPECT_EQ(page.at("images")[1].at("edited"), false);
  EXPECT_TRUE(session->cluster({.cluster = 1, .offset = 99}).at("images").empty());
  EXPECT_CONTAINS(user_error_of([&] { session->cluster({.cluster = 3}); }), "no cluster 3");
  EXPECT_CONTAINS(user_error_of([&] { session->cluster({.count = 1001}); }), "counts of 1 to 1000");
  EXPECT_CONTAINS(user_error_of([&] { session->cluster({.offset = -1}); }), "offset -1");
}

TEST_F(Session, RefusedEditsChangeNothing) {
  for (const Ids& images : {Ids{}, Ids{-1}, Ids{0, kImages}}) {
    user_error_of([&] { session->move(images, 1); });
    user_error_of([&] { session->split(images, ""); });
  }
  user_error_of([&] { session->move({0}, 3); });
  user_error_of([&] { session->move({0}, -1); });
  user_error_of([&] { session->name(7, "x"); });
  user_error_of([&] { session->name(0, std::string(101, 'x')); });
  user_error_of([&] { session->split({0}, std::string(101, 'x')); });
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(session->state().at("undoable"), 0);
}

TEST_F(Session, ANameThatStaysIsNoEvent) {
  session->name(0, "");
  session->name(0, "cats");
  session->name(0, "cats");
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(Session, CorrectedClustersAreTrainedUnderTheirOwnNumbers) {
  session->merge(1, 0);
  session->split({kThird, kThird + 1}, "new");
  session->train();
  wait_for_training();
  const RoundRequest& request = trainer.requests.at(0);
  EXPECT_TRUE(request.labels_changed);
  EXPECT_EQ(request.clusters, 3);
  const auto& labels = request.corrections.labels;
  EXPECT_EQ(labels[0], 0);
  EXPECT_EQ(labels[kSecond], 0);
  EXPECT_EQ(labels[kThird], 1);  // The new one takes the number that became free.
  EXPECT_EQ(labels[kThird + 2], 2);
  EXPECT_EQ(session->state().at("clusters"), 3);
  EXPECT_EQ(session->clusters().at("clusters").at(1).at("name"), "new");
}

TEST_F(Session, NamesSurviveARoundInWhichNumbersChange) {
  session->name(0, "cats");
  session->name(2, "shoes");
  trainer.found = [](const RoundRequest& request) {
    MadeClusters made{request.corrections.labels, std::vector<float>(kImages, 0.8f), kClusters};
    for (auto& label : made.labels) label = (label + 1) % 3;
    made.labels[0] = 2;  // A few go elsewhere.
    made.labels[kThird] = 2;
    return made;
  };
  session->answer(ids()[0], Answer::must);
  session->train();
  wait_for_training();
  const Json clusters = session->clusters().at("clusters");
  EXPECT_EQ(clusters[0].at("name"), "shoes");
  EXPECT_EQ(clusters[1].at("name"), "cats");
  EXPECT_EQ(clusters[2].at("name"), "");
  start();
  EXPECT_EQ(session->clusters().at("clusters"), clusters);
}

TEST_F(Session, AnUnfinishedRoundIsNotShown) {
  session->answer(ids()[0], Answer::must);
  session.reset();
  write_run(run() / "rounds" / "001", falling_clusters(kClusters, kSize), made_paths(kImages));
  const RunFolder round(run() / "rounds" / "001");
  auto manifest = round.read_manifest();
  manifest["status"] = "interrupted";
  round.write_manifest(manifest);
  start();
  EXPECT_EQ(session->state().at("round"), 1);
  manifest["status"] = "finished";
  round.write_manifest(manifest);
  start();
  EXPECT_EQ(session->state().at("round"), 2);
}

TEST_F(Session, WaitingEndsWithAChangeOrInTimeOrAtTheEnd) {
  const std::int64_t version = session->state().at("version");
  EXPECT_EQ(session->state_after(version, milliseconds(1)).at("version"), version);
  EXPECT_EQ(session->state_after(version - 1, milliseconds(100'000)).at("version"), version);
  auto changed = std::async(std::launch::async,
                            [&] { return session->state_after(version, milliseconds(100'000)); });
  session->name(0, "cats");
  EXPECT_GT(changed.get().at("version"), version);
  auto ended = std::async(std::launch::async,
                          [&] { return session->state_after(version + 1, milliseconds(100'000)); });
  session->stop();
  EXPECT_EQ(ended.get().at("version"), version + 1);
}

TEST_F(Session, OddNamesOfFilesAreText) {
  auto paths = made_paths(kImages);
  paths[0] = "<img src=x onerror=alert(1)>.png";
  paths[1] = "bytes \xff.png";
  AnnotationSession odd(made_run(folder_ / "odd", falling_clusters(kClusters, kSize), paths), {},
                        trainer);
  const Json images = odd.cluster({.count = 2}).at("images");
  EXPECT_EQ(images[0].at("path"), paths[0]);
  EXPECT_EQ(images[1].at("path"), "bytes \\xff.png");
}

TEST_F(Session, ShowsImagesAlone) {
  LoadedRun features = made_run(folder_ / "features", falling_clusters(2, 3));
  features.dataset.pixels = nullptr;
  EXPECT_CONTAINS(user_error_of([&] { AnnotationSession(std::move(features), {}, trainer); }),
                  "was made from features; the annotator shows images");
}

TEST_F(Session, TwoOfARunAtATimeAreRefused) {
  EXPECT_CONTAINS(user_error_of([&] {
                    AnnotationSession(made_run(run(), falling_clusters(kClusters, kSize)), {},
                                      trainer);
                  }),
                  "is open for annotation in another process");
}

}  // namespace
}  // namespace coterie
