#include "coterie/annotate/annotation_session.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "coterie/annotate/session_json.h"
#include "coterie/core/error.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/data/source.h"

namespace coterie {
namespace {

constexpr std::int64_t kLeastBudget = 10;
constexpr std::int64_t kMostBudget = 100;
constexpr std::int64_t kImagesPerQuestion = 25;
constexpr std::int64_t kNeighbours = 6;
constexpr std::size_t kWithNeighbours = 50;  // questions of an answer; they cost time

LoadedRun with_images(LoadedRun run) {
  if (!run.dataset.has_images())
    throw UserError(
        "{} was made from features; the annotator shows images. Give constraints of features with "
        "--constraints FILE.csv to a method that learns them",
        printable(run.folder.path().native()));
  return run;
}

std::int64_t default_budget(std::int64_t images) {
  return std::clamp(std::min(images / kImagesPerQuestion, kMostBudget), kLeastBudget, kMostBudget);
}

/// Whether there is something to learn from what was done: an answer that is no skip, or an edit.
bool is_news(const Event& event) {
  if (event.kind == EventKind::pair) return event.answer != Answer::skip;
  return event.kind != EventKind::name && event.kind != EventKind::undo;
}

nlohmann::json pairs_json(const std::vector<ImagePair>& pairs) {
  auto json = nlohmann::json::array();
  for (const auto& [a, b] : pairs) json.push_back({a, b});
  return json;
}

}  // namespace

/// Tells the state of a training, and who else wants to know.
class AnnotationSession::TrainingProgress : public Progress {
 public:
  explicit TrainingProgress(AnnotationSession& session) : session_(session) {}

  void begin(std::string_view phase, std::int64_t total) override {
    if (auto* other = session_.options_.progress) other->begin(phase, total);
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    total_ = total;
    told_ = {};
    tell(0, {});
  }
  void update(std::int64_t done, std::string_view detail) override {
    if (auto* other = session_.options_.progress) other->update(done, detail);
    const std::lock_guard lock(mutex_);
    tell(done, detail);
  }
  void end() override {
    if (auto* other = session_.options_.progress) other->end();
  }
  void warn(std::string_view message) override {
    if (auto* other = session_.options_.progress) other->warn(message);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kInterval = std::chrono::milliseconds(250);  // pages redraw no faster

  void tell(std::int64_t done, std::string_view detail) {
    if (Clock::now() - told_ < kInterval) return;
    told_ = Clock::now();
    const std::lock_guard lock(session_.mutex_);
    Training& training = session_.training_;
    training.text = phase_;
    if (!detail.empty()) training.text += fmt::format(", {}", detail);
    training.fraction =
        total_ > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total_)) : 0;
    ++session_.version_;
    session_.changed_.notify_all();
  }

  AnnotationSession& session_;
  std::mutex mutex_;
  std::string phase_;
  std::int64_t total_ = 0;
  Clock::time_point told_;
};

AnnotationSession::AnnotationSession(LoadedRun run, SessionOptions options, Trainer& trainer)
    : run_(with_images(std::move(run))),
      options_(std::move(options)),
      trainer_(trainer),
      store_(run_.folder.path(),
             {run_.dataset.fingerprint, sha256_file(run_.folder.file("assignments.csv"))},
             ConstraintStore::Access::write),
      lock_(run_.folder.lock()),
      now_{.constraints = ConstraintGraph(0)} {
  if (options_.budget == 0) options_.budget = default_budget(run_.dataset.size());
  auto results = read_rounds(run_.folder.path(), run_.dataset.paths);
  for (RoundResult& result : results) rounds_.push_back(std::move(result.clusters));
  shown_ = std::move(results.back());
  version_ = static_cast<std::int64_t>(store_.events().size() + rounds_.size());
  plan_round();
  refresh();
}

AnnotationSession::~AnnotationSession() { stop(); }

bool AnnotationSession::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (cancel_) cancel_->cancel();
    changed_.notify_all();
  }
  if (worker_.joinable()) worker_.join();
  return cancelled_training_;
}

nlohmann::json AnnotationSession::state() const {
  const std::lock_guard lock(mutex_);
  return state_json();
}

nlohmann::json AnnotationSession::state_after(std::int64_t version,
                                              std::chrono::milliseconds wait) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [&] { return version_ != version || stopping_; });
  return state_json();
}

nlohmann::json AnnotationSession::state_json() const {
  std::int64_t answered = 0, skipped = 0, filled = 0;
  for (const auto& [pair, together] : questions_) {
    const auto given = now_.answers.find(key_of(pair.a, pair.b));
    if (given != now_.answers.end()) {
      ++(given->second == Answer::skip ? skipped : answered);
    } else {
      filled += settled(pair);
    }
  }
  std::map<Answer, std::int64_t> total;
  for (const auto& [pair, answer] : now_.answers) ++total[answer];
  const auto present =
      std::count(now_.clusters.merged_away.begin(), now_.clusters.merged_away.end(), false);
  const ImageShape& shape = run_.dataset.shape;
  return {{"version", version_},
          {"run", display_text(absolute_path(run_.folder.path()).filename().native())},
          {"method", run_.manifest.at("method")},
          {"images", run_.dataset.size()},
          {"clusters", present},
          {"shape", {shape.channels, shape.height, shape.width}},
          {"round", now_.round},
          {"budget", questions_.size()},
          {"answered", answered},
          {"skipped", skipped},
          {"filled", filled},
          {"total",
           {{"must", total[Answer::must]},
            {"cannot", total[Answer::cannot]},
            {"skip", total[Answer::skip]}}},
          {"undoable", now_.in_force.size()},
          {"training",
           {{"state", training_.running         ? "running"
                      : training_.error.empty() ? "idle"
                                                : "failed"},
            {"round", now_.round + 1},
            {"text", training_.text},
            {"fraction", training_.fraction},
            {"error", training_.error}}},
          {"contradictions", contradictions_json(now_.contradictions)}};
}

nlohmann::json AnnotationSession::questions(std::int64_t count) const {
  const std::lock_guard lock(mutex_);
  auto open = nlohmann::json::array();
  for (const auto& [pair, together] : questions_) {
    if (static_cast<std::int64_t>(open.size()) >= count) break;
    if (settled(pair)) continue;
    const auto near = [&](std::int64_t image) {
      return open.size() < kWithNeighbours
                 ? nearest_members(shown_, image, members_[now_.clusters.labels[image]],
                                   kNeighbours)
                 : std::vector<std::int64_t>();
    };
    open.push_back({{"id", id_of(pair)},
                    {"a", pair.a},
                    {"b", pair.b},
                    {"path_a", display_text(run_.dataset.paths[pair.a])},
                    {"path_b", display_text(run_.dataset.paths[pair.b])},
                    {"cluster", now_.clusters.labels[pair.a]},
                    {"same", together},
                    {"near_a", near(pair.a)},
                    {"near_b", near(pair.b)}});
  }
  return {{"round", now_.round}, {"questions", open}};
}

nlohmann::json AnnotationSession::clusters() const {
  const std::lock_guard lock(mutex_);
  auto all = nlohmann::json::array();
  for (std::int32_t id = 0; id < now_.clusters.ids(); ++id) {
    if (!now_.clusters.has(id)) continue;
    const auto name = now_.clusters.names.find(id);
    all.push_back(cluster_json(id, name == now_.clusters.names.end() ? "" : name->second,
                               members_[id], rounds_.back().confidences));
  }
  return {{"clusters", all}};
}

nlohmann::json AnnotationSession::cluster(const ClusterPage& page) const {
  const std::lock_guard lock(mutex_);
  check_cluster(page.cluster);
  const auto& members = members_[page.cluster];
  const auto total = static_cast<std::int64_t>(members.size());
  if (page.offset < 0 || page.count < 1 || page.count > kLargestPage)
    throw UserError("offset {} and count {}: allowed are offsets from 0 and counts of 1 to {}",
                    page.offset, page.count, kLargestPage);
  auto images = nlohmann::json::array();
  for (std::int64_t i = page.offset; i < std::min(total, page.offset + page.count); ++i) {
    const std::int64_t image = members[page.unsure_first ? total - 1 - i : i];
    images.push_back({{"id", image},
                      {"confidence", rounds_.back().confidences[image]},
                      {"path", display_text(run_.dataset.paths[image])},
                      {"edited", static_cast<bool>(now_.clusters.edited[image])}});
  }
  return {{"total", total}, {"images", images}};
}

void AnnotationSession::answer(std::int64_t question, Answer answer) {
  const std::lock_guard lock(mutex_);
  check_idle();
  const std::int64_t images = run_.dataset.size();
  const ImagePair pair{question / images, question % images};
  if (question < 0 || pair.a >= images || pair.a == pair.b)
    throw UserError("question {} is out of range: it names no two of {} images", question, images);
  const bool asked = std::any_of(questions_.begin(), questions_.end(),
                                 [&](const Question& known) { return known.pair == pair; });
  if (!asked) throw Conflict(fmt::format("question {} is not one of this round", question));
  if (now_.answers.contains(key_of(pair.a, pair.b)))
    throw Conflict(fmt::format("question {} was answered already", question));
  add({.kind = EventKind::pair, .a = pair.a, .b = pair.b, .answer = answer});
  if (open_questions() > 0 || news_ == 0) return;
  try {
    start_training();
  } catch (const Conflict& conflict) {
    training_.error = conflict.what();  // The answer itself is taken.
  }
}

nlohmann::json AnnotationSession::undo() {
  const std::lock_guard lock(mutex_);
  check_idle();
  if (now_.in_force.empty()) throw Conflict("there is nothing to take back");
  const Event undone = store_.events()[now_.in_force.back() - 1];
  add({.kind = EventKind::undo, .undoes = undone.seq});
  return undone_json(undone);
}

void AnnotationSession::move(std::vector<std::int64_t> images, std::int64_t to) {
  const std::lock_guard lock(mutex_);
  check_idle();
  check_cluster(to);
  check_images(images);
  std::erase_if(images, [&](auto image) { return now_.clusters.labels[image] == to; });
  if (images.empty()) throw UserError("all of these images are in cluster {} already", to);
  const std::int64_t there = surest(static_cast<std::int32_t>(to), images);
  std::map<std::int32_t, std::int64_t> left;  // the surest of the clusters that images leave
  std::vector<ImagePair> must, cannot;
  for (const std::int64_t image : images) {
    const std::int32_t from = now_.clusters.labels[image];
    if (!left.contains(from)) left[from] = surest(from, images);
    if (there >= 0) must.push_back({image, there});
    if (left[from] >= 0) cannot.push_back({image, left[from]});
  }
  add({.kind = EventKind::move,
       .data = {{"images", images},
                {"to", to},
                {"must", pairs_json(must)},
                {"cannot", pairs_json(cannot)}}});
}

void AnnotationSession::split(std::vector<std::int64_t> images, const std::string& name) {
  const std::lock_guard lock(mutex_);
  check_idle();
  check_name(name);
  check_images(images);
  std::map<std::int32_t, std::int64_t> taken;  // of each cluster: how many
  for (const std::int64_t image : images) ++taken[now_.clusters.labels[image]];
  const auto& [first, count] = *taken.begin();
  if (taken.size() == 1 && count == static_cast<std::int64_t>(members_[first].size()))
    throw UserError("these are all images of cluster {}; a split takes a part of them", first);
  const auto& confidences = rounds_.back().confidences;
  const std::int64_t middle = *std::max_element(
      images.begin(), images.end(),
      [&](std::int64_t a, std::int64_t b) { return confidences[a] < confidences[b]; });
  std::vector<ImagePair> must, cannot;
  for (const std::int64_t image : images) {
    if (image != middle) must.push_back({image, middle});
    const std::int32_t from = now_.clusters.labels[image];
    if (!taken.contains(from)) continue;
    taken.erase(from);
    if (const std::int64_t stays = surest(from, images); stays >= 0)
      cannot.push_back({image, stays});
  }
  add({.kind = EventKind::split,
       .data = {{"images", images},
                {"name", name},
                {"must", pairs_json(must)},
                {"cannot", pairs_json(cannot)}}});
}

void AnnotationSession::merge(std::int64_t from, std::int64_t into) {
  const std::lock_guard lock(mutex_);
  check_idle();
  check_cluster(from);
  check_cluster(into);
  if (from == into) throw UserError("cluster {} cannot be merged into itself", from);
  const auto filled = std::count_if(members_.begin(), members_.end(),
                                    [](const auto& members) { return !members.empty(); });
  if (filled <= 2 && !members_[from].empty() && !members_[into].empty())
    throw UserError("clusters {} and {} are the last two; one alone is no clustering", from, into);
  std::vector<ImagePair> must;
  if (!members_[from].empty() && !members_[into].empty())
    must.push_back({members_[from].front(), members_[into].front()});
  add({.kind = EventKind::merge,
       .data = {{"from", from}, {"into", into}, {"must", pairs_json(must)}}});
}

void AnnotationSession::name(std::int64_t cluster, const std::string& name) {
  const std::lock_guard lock(mutex_);
  check_idle();
  check_cluster(cluster);
  check_name(name);
  const auto known = now_.clusters.names.find(static_cast<std::int32_t>(cluster));
  if (name == (known == now_.clusters.names.end() ? "" : known->second)) return;
  add({.kind = EventKind::name, .data = {{"cluster", cluster}, {"name", name}}});
}

void AnnotationSession::train() {
  const std::lock_guard lock(mutex_);
  check_idle();
  if (now_.constraints.taken().empty() && !now_.labels_changed)
    throw Conflict("there is nothing to learn yet: answer some pairs or correct some images");
  start_training();
}

void AnnotationSession::stop_training() {
  const std::lock_guard lock(mutex_);
  if (!training_.running) throw Conflict("no training is running");
  training_.text = "stopping";
  cancel_->cancel();
  ++version_;
  changed_.notify_all();
}

std::int64_t AnnotationSession::id_of(const ImagePair& pair) const {
  // The same whenever and wherever the pair is asked about: a page from before a restart or of an
  // earlier round cannot answer for another pair.
  return pair.a * run_.dataset.size() + pair.b;
}

bool AnnotationSession::settled(const ImagePair& pair) const {
  return now_.answers.contains(key_of(pair.a, pair.b)) || now_.constraints.between(pair.a, pair.b);
}

std::int64_t AnnotationSession::open_questions() const {
  return std::count_if(questions_.begin(), questions_.end(),
                       [&](const Question& question) { return !settled(question.pair); });
}

void AnnotationSession::check_idle() const {
  if (stopping_) throw Conflict("the program is ending");
  if (training_.running) throw Conflict("a training is running; wait for its end");
}

void AnnotationSession::check_cluster(std::int64_t id) const {
  if (!now_.clusters.has(id))
    throw UserError("there is no cluster {}; ids are 0 to {} without those merged away", id,
                    now_.clusters.ids() - 1);
}

void AnnotationSession::check_images(std::vector<std::int64_t>& images) const {
  if (images.empty()) throw UserError("no images are named");
  for (const std::int64_t image : images)
    if (image < 0 || image >= run_.dataset.size())
      throw UserError("image {} is out of range: allowed is 0 to {}", image,
                      run_.dataset.size() - 1);
  std::sort(images.begin(), images.end());
  images.erase(std::unique(images.begin(), images.end()), images.end());
}

std::int64_t AnnotationSession::surest(std::int32_t cluster,
                                       const std::vector<std::int64_t>& without) const {
  for (const std::int64_t image : members_[cluster])
    if (!now_.clusters.edited[image] && !std::binary_search(without.begin(), without.end(), image))
      return image;
  return -1;
}

void AnnotationSession::add(Event event) {
  event.annotator = options_.annotator;
  event.round = now_.round;
  store_.append({std::move(event)});
  follow(store_.events().back());
  refresh();
  ++version_;
  changed_.notify_all();
}

void AnnotationSession::refresh() {
  now_ = replay(store_.events(), rounds_);
  const auto& confidences = rounds_.back().confidences;
  members_.assign(static_cast<std::size_t>(now_.clusters.ids()), {});
  for (std::size_t i = 0; i < confidences.size(); ++i)
    members_[now_.clusters.labels[i]].push_back(static_cast<std::int64_t>(i));
  for (auto& members : members_)
    std::stable_sort(members.begin(), members.end(), [&](std::int64_t a, std::int64_t b) {
      return confidences[a] > confidences[b];
    });
  questions_ = planned_;
  for (const ImagePair& pair : now_.reopened) questions_.push_back(question_about(shown_, pair));
}

/// Chooses the questions of the round that begins, or began before a restart: the same ones, as
/// only what earlier rounds asked decides on them.
void AnnotationSession::plan_round() {
  const auto round = static_cast<std::int64_t>(rounds_.size());
  plan_ = {round, options_.budget, run_.manifest.at("seed")};
  asked_.clear();
  for (const Event& event : store_.events())
    if (event.kind == EventKind::pair && event.round < round) asked_.push_back({event.a, event.b});
  planned_.clear();
  answered_.clear();
  news_ = 0;
  plan_more();
  for (const Event& event : store_.events()) follow(event);
}

bool AnnotationSession::plan_more() {
  const auto more = plan_questions(plan_, shown_, asked_);
  for (const Question& question : more) {
    asked_.push_back(question.pair);
    planned_.push_back(question);
  }
  return !more.empty();
}

/// Who skipped all pairs of a round, so that there is nothing to learn, is asked about others. What
/// is asked so comes again after a restart, as it hangs on the events alone.
void AnnotationSession::follow(const Event& event) {
  const bool undo = event.kind == EventKind::undo;
  const Event& meant = undo ? store_.events()[event.undoes - 1] : event;
  if (meant.round != plan_.round) return;
  const PairKey pair = key_of(meant.a, meant.b);
  if (meant.kind == EventKind::pair && undo) answered_.erase(pair);
  if (meant.kind == EventKind::pair && !undo) answered_.insert(pair);
  if (is_news(meant)) news_ += undo ? -1 : 1;
  const auto skipped = [&](const Question& question) {
    return answered_.contains(key_of(question.pair.a, question.pair.b));
  };
  while (news_ == 0 && !planned_.empty() && std::all_of(planned_.begin(), planned_.end(), skipped))
    if (!plan_more()) return;
}

RoundRequest AnnotationSession::round_request() const {
  RoundRequest request{.from = shown_.folder,
                       .out = round_folder(run_.folder.path(), now_.round),
                       .labels_changed = now_.labels_changed};
  request.corrections.constraints = now_.constraints.taken();
  const auto& labels = now_.clusters.labels;
  if (!now_.labels_changed) {
    request.clusters = rounds_.back().clusters;
    request.corrections.labels = labels;
    return request;
  }
  const auto numbers = training_numbers(now_.clusters, rounds_.back());
  request.clusters = static_cast<std::int64_t>(
      std::count_if(numbers.begin(), numbers.end(), [](auto number) { return number >= 0; }));
  for (const std::int32_t label : labels) request.corrections.labels.push_back(numbers[label]);
  return request;
}

void AnnotationSession::start_training() {
  const RoundRequest request = round_request();
  if (request.clusters < 2)
    throw Conflict("only one cluster is left; a training needs two: take edits back, or split it");
  if (worker_.joinable()) worker_.join();  // It has ended: none is running.
  cancel_ = std::make_unique<CancelToken>();
  training_ = {.running = true, .text = "preparing the training"};
  ++version_;
  changed_.notify_all();
  worker_ = std::thread([this, request] { train_round(request); });
}

void AnnotationSession::train_round(const RoundRequest& request) {
  std::optional<RoundResult> result;
  std::string error;
  bool cancelled = false;
  try {
    TrainingProgress progress(*this);
    trainer_.train(request, progress, *cancel_);
    result = read_round(request.out, run_.dataset.paths);
  } catch (const Interrupted&) {
    cancelled = true;
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  const std::lock_guard lock(mutex_);
  training_ = {.error = error};
  cancelled_training_ |= cancelled && stopping_;
  if (result) try {
      begin_round(std::move(*result));
    } catch (const std::exception& failure) {
      training_.error = failure.what();
    }
  ++version_;
  changed_.notify_all();
}

void AnnotationSession::begin_round(RoundResult result) {
  rounds_.push_back(std::move(result.clusters));
  try {
    replay(store_.events(), rounds_);
  } catch (...) {
    rounds_.pop_back();
    throw;
  }
  shown_ = std::move(result);
  plan_round();
  refresh();
}

}  // namespace coterie
