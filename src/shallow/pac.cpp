#include "coterie/shallow/pac.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/pac_linear.h"
#include "coterie/shallow/pac_pairs.h"
#include "coterie/shallow/principal_components.h"
#include "coterie/shallow/row_blocks.h"
#include "coterie/shallow/stored_tensors.h"
#include "coterie/shallow/sweep_plan.h"

namespace coterie {
namespace {

/// A sweep in fewer arithmetic steps than this runs in one thread: several restarts then share the
/// cores instead.
constexpr double kTeamWork = 2e8;
constexpr int kBlocksPerCluster = 10;
/// Near the uniform start, a block of b out of N rows takes b / N / (m - 1) times a cluster's
/// excess away from it. From 2 on that overshoots more each time; blocks keep to a third.
constexpr double kSteadyPart = 1.0 / 3;
/// A random start hardly moves at first: no fewer sweeps say that it has settled.
constexpr int kFewestSweeps = 10;
/// A row that changes by less than this part of the tolerance is passed over.
constexpr double kSettledPart = 0.1;
/// On a sample the restarts need only come near their ends; the run over all rows goes on from
/// there.
constexpr double kSampleTolerance = 1e-2;
/// m - 1 is at most this part of the largest share of the variance that one direction has.
constexpr double kPartOfShare = 0.5;
/// A sample holds at least so many rows of an average cluster.
constexpr std::int64_t kSampleRowsPerCluster = 200;

/// softmax of N(0, 1) / 1000 for each row. Each piece of the rows has a stream of its own.
Matrix<float> random_start(std::int64_t rows, std::int64_t clusters, std::uint64_t seed,
                           std::string_view name) {
  constexpr std::int64_t kPiece = 1024;
  Matrix<float> p(rows, clusters);
  parallel_for((rows + kPiece - 1) / kPiece, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> row(static_cast<std::size_t>(clusters));
    for (std::int64_t piece = begin; piece < end; ++piece) {
      RandomStream stream(seed, name, static_cast<std::uint64_t>(piece));
      for (std::int64_t i = piece * kPiece; i < std::min(rows, (piece + 1) * kPiece); ++i) {
        double total = 0;
        for (double& value : row) total += value = std::exp(stream.normal() / 1000.0);
        for (std::int64_t k = 0; k < clusters; ++k) p(i, k) = static_cast<float>(row[k] / total);
      }
    }
  });
  return p;
}

int team_threads_for(const PreparedRows& rows, std::int64_t clusters) {
  const double work = static_cast<double>(rows.rows()) * static_cast<double>(rows.cols()) *
                      static_cast<double>(clusters);
  return work < kTeamWork ? 1 : thread_count();
}

/// Sweeps until the probabilities stand still: first over all rows, then over those that still
/// move, and over all again before the end. Ends early where it is cancelled.
struct SweepLoop {
  int max_sweeps;
  double tolerance;
  int fewest_sweeps;
  int threads;
  const CancelToken* cancel;
  std::function<void(const PacRun&)> report;  ///< called after each sweep

  template <class Sweeper>
  PacRun run(Sweeper& sweeper, SweepPlan& plan) const {
    PacRun record;
    std::atomic<bool> stop{false};
    const auto rows = static_cast<double>(plan.visit().size());
    Team::run(threads, [&](int rank, Team& team) {
      sweeper.prepare(plan, rank, team);
      while (!stop.load()) {
        const double change = sweeper.sweep(plan, tolerance * kSettledPart, rank, team) / rows;
        if (rank == 0) {
          record.changes.push_back(change);
          record.updates += static_cast<std::int64_t>(plan.visit().size());
          stop = after_sweep(record, plan);
        }
        team.wait();
      }
    });
    record.objective = sweeper.objective();
    return record;
  }

 private:
  /// Plans the next sweep; true where there is none.
  bool after_sweep(PacRun& record, SweepPlan& plan) const {
    ++record.sweeps;
    const bool ready = record.sweeps > fewest_sweeps;
    const bool still = record.changes.back() < tolerance;
    record.converged = ready && still && plan.full();
    report(record);
    if (ready && !still) plan.visit_kept();
    if (still || plan.visit().empty()) plan.visit_all();
    return record.converged || record.sweeps >= max_sweeps || (cancel && cancel->cancelled());
  }
};

}  // namespace

/// Runs of algorithm 1 over the same rows.
class Pac::Runner {
 public:
  Runner(const PreparedRows& rows, PacParams params) : rows_(rows), params_(params) {
    if (params.distance != PacDistance::euclidean) return;
    centred_ = Matrix<float>(rows.rows(), rows.cols());
    for (std::int64_t i = 0; i < rows.rows(); ++i) rows.load(i, centred_.row(i));
  }

  /// From `p` to the end, which is left there.
  std::pair<PacRun, Model> run(Matrix<float>& p, SweepPlan plan, const SweepLoop& loop) const {
    const std::int64_t most = std::min<std::int64_t>(params_.block_rows, row_block(rows_.cols()));
    const std::int64_t block = pac_block_rows(rows_.rows(), p.cols(), params_.m, most);
    if (params_.distance == PacDistance::euclidean) {
      PacPairSweeper sweeper(centred_, params_, block, p);
      PacRun record = loop.run(sweeper, plan);
      return {std::move(record), Model{.lent = sweeper.lent()}};
    }
    PacLinearSweeper<float> sweeper(rows_, params_, block, p, plan);
    PacRun record = loop.run(sweeper, plan);
    const PacSums& sums = sweeper.sums();
    return {std::move(record), Model{sums.weight, sums.square, sums.vector, {}, {}}};
  }

  /// Rows relative to their mean, for the distance euclidean.
  Matrix<float>& centred() { return centred_; }
  std::int64_t row_bytes() const { return rows_.cols() * static_cast<std::int64_t>(sizeof(float)); }

 private:
  const PreparedRows& rows_;
  PacParams params_;
  Matrix<float> centred_;
};

std::int64_t pac_block_rows(std::int64_t rows, std::int64_t clusters, double m, std::int64_t most) {
  const double steady = static_cast<double>(rows) * (m - 1) * kSteadyPart;
  const auto block =
      std::min<std::int64_t>(rows / (kBlocksPerCluster * clusters), std::llround(steady));
  return std::clamp<std::int64_t>(block, 1, most);
}

const Fields<PacParams>& PacParams::fields() {
  static const Fields<PacParams> fields =
      Fields<PacParams>()
          .number("m", &PacParams::m, Range{1, 100, true, false},
                  "fuzziness, at most; nearer to 1 is harder")
          .choice("distance", &PacParams::distance,
                  {{"sqeuclidean", PacDistance::sqeuclidean},
                   {"cosine", PacDistance::cosine},
                   {"euclidean", PacDistance::euclidean}},
                  "distance between rows; euclidean takes time quadratic in the rows")
          .choice("weight", &PacParams::weight, {{"p", PacWeight::p}, {"p^m", PacWeight::p_to_m}},
                  "weight that a row lends to a cluster")
          .number("restarts", &PacParams::restarts, between(1, 10000),
                  "random starts; the lowest objective is kept")
          .number(
              "sample_rows", &PacParams::sample_rows, between(0, 1e9),
              "the restarts run on a sample of so many where there are twice as many; 0: on all")
          .number("block_rows", &PacParams::block_rows, between(1, 1024),
                  "rows updated at once, at most; never more than a tenth of a cluster")
          .number("max_sweeps", &PacParams::max_sweeps, between(1, 1e6),
                  "sweeps over all rows in a restart, at most")
          .number("tolerance", &PacParams::tolerance, between(0, 2),
                  "stop when a row's probabilities change by less on average (L1)");
  return fields;
}

Pac::Pac(PacParams params) : params_(params) { params_.validate(); }

PacParams Pac::fitted_params() const {
  PacParams params = params_;
  params.m = m_;
  return params;
}

std::int64_t Pac::clusters() const {
  return model_.lent.empty() ? static_cast<std::int64_t>(model_.weights.size())
                             : model_.lent.cols();
}

double Pac::objective() const {
  if (full_run_) return full_run_->objective;
  return restarts_.empty() ? 0.0 : restarts_[chosen_].objective;
}

PreparedRows Pac::prepare(ConstFeatures features) {
  if (features.rows > std::numeric_limits<std::uint32_t>::max())
    throw UserError("PAC takes at most 2^32 - 1 rows, these are {}", features.rows);
  const bool cosine = params_.distance == PacDistance::cosine;
  const PreparedRows rows(features, PreparedRows::mean_of(features, cosine), cosine);
  mean_ = rows.mean();
  m_ = params_.m;
  if (const double share = largest_variance_share(rows); share > 0)
    m_ = std::min(m_, 1 + share * kPartOfShare);
  restarts_.clear();
  full_run_.reset();
  chosen_ = 0;
  return rows;
}

void Pac::run_restarts(const PreparedRows& rows, std::int64_t clusters, double tolerance,
                       const ShallowContext& context) {
  const int team_threads = params_.restarts > 1 ? team_threads_for(rows, clusters) : thread_count();
  const int at_once = team_threads == 1 ? std::min(thread_count(), params_.restarts) : 1;
  restarts_.assign(static_cast<std::size_t>(params_.restarts), {});
  if (context.progress)
    context.progress->begin("PAC",
                            static_cast<std::int64_t>(params_.restarts) * params_.max_sweeps);
  double best = std::numeric_limits<double>::infinity();
  std::mutex best_mutex;
  std::atomic<std::int64_t> sweeps_done{0};
  Runner runner(rows, fitted_params());

  const auto run_restart = [&](int restart) {
    RandomStream stream(context.seed, "pac", static_cast<std::uint64_t>(restart));
    Matrix<float> p =
        random_start(rows.rows(), clusters, context.seed, fmt::format("pac start {}", restart));
    const SweepLoop loop{params_.max_sweeps,
                         tolerance,
                         kFewestSweeps,
                         team_threads,
                         context.cancel,
                         [&](const PacRun& record) {
                           const std::int64_t done = ++sweeps_done;
                           if (context.progress)
                             context.progress->update(
                                 done,
                                 fmt::format("restart {}, sweep {}, change {:.2g}", restart + 1,
                                             record.sweeps, record.changes.back()));
                         }};
    auto [record, model] = runner.run(p, SweepPlan(rows.rows(), runner.row_bytes(), stream), loop);
    context.check_cancelled();
    std::lock_guard lock(best_mutex);
    // Equal objectives go to the earlier restart, whichever thread ends first.
    if (record.objective < best || (record.objective == best && restart < chosen_)) {
      best = record.objective;
      chosen_ = restart;
      model_ = std::move(model);
    }
    restarts_[restart] = std::move(record);
  };
  std::atomic<int> next{0};
  const auto work_through = [&](std::int64_t, std::int64_t) {
    for (int restart = next++; restart < params_.restarts; restart = next++) run_restart(restart);
  };
  if (at_once > 1) {
    parallel_for(at_once, 1, work_through);
  } else {
    work_through(0, 1);
  }
  model_.rows = std::move(runner.centred());
  if (context.progress) context.progress->end();
}

Assignment Pac::run_all(ConstFeatures features, const PreparedRows& rows, Matrix<float> p,
                        const ShallowContext& context) {
  if (context.progress) context.progress->begin("PAC, all rows", params_.max_sweeps);
  RandomStream stream(context.seed, "pac, all rows");
  Runner runner(rows, fitted_params());
  const SweepLoop loop{params_.max_sweeps,
                       params_.tolerance,
                       0,
                       thread_count(),
                       context.cancel,
                       [&](const PacRun& record) {
                         if (context.progress)
                           context.progress->update(
                               record.sweeps, fmt::format("sweep {}, change {:.2g}", record.sweeps,
                                                          record.changes.back()));
                       }};
  auto [record, model] = runner.run(p, SweepPlan(rows.rows(), runner.row_bytes(), stream), loop);
  context.check_cancelled();
  full_run_ = std::move(record);
  model_ = std::move(model);
  model_.rows = std::move(runner.centred());
  if (context.progress) context.progress->end();
  Assignment result{{}, std::move(p)};
  predict_into(features, result.probabilities);
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

Assignment Pac::fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context) {
  check_clustering_input(features, clusters);
  const PreparedRows rows = prepare(features);
  const std::int64_t sampled =
      std::max<std::int64_t>(params_.sample_rows, clusters * kSampleRowsPerCluster);
  if (params_.sample_rows == 0 || features.rows <= 2 * sampled) {
    run_restarts(rows, clusters, params_.tolerance, context);
    return predict(features);
  }
  RandomStream stream(context.seed, "pac sample");
  const Matrix<float> sample = sample_rows(features, sampled, stream);
  run_restarts(PreparedRows(sample, mean_, params_.distance == PacDistance::cosine), clusters,
               std::max(params_.tolerance, kSampleTolerance), context);
  return run_all(features, rows, predict(features).probabilities, context);
}

Assignment Pac::fit_from(ConstFeatures features, Matrix<float> start,
                         const ShallowContext& context) {
  check_clustering_input(features, start.cols());
  if (start.rows() != features.rows)
    throw UserError("the start has {} rows, the features {}", start.rows(), features.rows);
  for (std::int64_t i = 0; i < start.rows(); ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < start.cols(); ++k) sum += start(i, k) >= 0 ? start(i, k) : 2;
    if (!(std::abs(sum - 1) < 1e-3))
      throw UserError(
          "row {} of the start holds no probabilities: they are 0 or more, and sum to 1", i);
  }
  const PreparedRows rows = prepare(features);
  return run_all(features, rows, std::move(start), context);
}

Assignment Pac::predict(ConstFeatures features) const {
  if (clusters() == 0) throw UserError("this PAC model is not trained: call fit or load first");
  check_width(static_cast<std::int64_t>(mean_.size()), features.cols);
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  predict_into(features, result.probabilities);
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

void Pac::predict_into(ConstFeatures features, Matrix<float>& p) const {
  const PreparedRows rows(features, mean_, params_.distance == PacDistance::cosine);
  const bool pairs = params_.distance == PacDistance::euclidean;
  const std::int64_t columns = features.cols;
  PacSums sums(0, 0);
  sums.weight = model_.weights;
  sums.square = model_.square_sums;
  sums.vector = model_.sums;
  const PacPairScores pair_scores(model_.rows, model_.lent);
  const std::int64_t block_rows = std::min<std::int64_t>(64, row_block(columns));
  // Whole blocks from row 0 on: a row's arithmetic does not depend on how threads share them.
  parallel_for((features.rows + block_rows - 1) / block_rows, 16,
               [&](std::int64_t begin, std::int64_t end) {
                 Matrix<double> x(block_rows, columns), scores(block_rows, clusters());
                 Matrix<float> x_float(pairs ? block_rows : 0, columns);
                 std::vector<double> squares(block_rows);
                 for (std::int64_t first = begin * block_rows;
                      first < std::min(end * block_rows, features.rows); first += block_rows) {
                   const std::int64_t count = std::min(block_rows, features.rows - first);
                   const MatrixView<double> block = scores.view().slice(0, count);
                   for (std::int64_t b = 0; b < count; ++b) {
                     if (pairs) {
                       rows.load(first + b, x_float.row(b));
                       continue;
                     }
                     rows.load(first + b, x.row(b));
                     squares[b] = squared_length(x.row(b), columns);
                   }
                   if (pairs) {
                     pair_scores(x_float.view().slice(0, count), block);
                   } else {
                     pac_linear_scores(x.view().slice(0, count), squares.data(), sums, block);
                   }
                   probabilities_from_scores(block, 1.0 / (m_ - 1.0));
                   std::copy_n(block.data, block.size(), p.row(first));
                 }
               });
}

Matrix<double> Pac::refine(ConstFeatures features, const Matrix<double>& start, int sweeps) const {
  check_clustering_input(features, start.cols());
  if (start.rows() != features.rows)
    throw UserError("the start has {} rows, the features {}", start.rows(), features.rows);
  if (params_.distance == PacDistance::euclidean)
    throw UserError("refine works on the distances sqeuclidean and cosine");
  const bool cosine = params_.distance == PacDistance::cosine;
  const PreparedRows rows(features, PreparedRows::mean_of(features, cosine), cosine);
  Matrix<double> p = start;
  SweepPlan plan(rows.rows());
  PacLinearSweeper<double> sweeper(rows, params_, params_.block_rows, p, plan);
  Team::run(1, [&](int rank, Team& team) {
    sweeper.prepare(plan, rank, team);
    for (int sweep = 0; sweep < sweeps; ++sweep) sweeper.sweep(plan, 0, rank, team);
  });
  return p;
}

TensorMap Pac::save() const {
  TensorMap tensors{{"mean", make_tensor<double>({static_cast<std::int64_t>(mean_.size())}, mean_)},
                    {"m", make_tensor<double>({1}, {&m_, 1})}};
  if (params_.distance == PacDistance::euclidean) {
    tensors.emplace("rows", make_tensor(model_.rows));
    tensors.emplace("lent", make_tensor(model_.lent));
    return tensors;
  }
  const std::int64_t count = clusters();
  tensors.emplace("weights", make_tensor<double>({count}, model_.weights));
  tensors.emplace("square_sums", make_tensor<double>({count}, model_.square_sums));
  tensors.emplace("sums", make_tensor(model_.sums));
  return tensors;
}

void Pac::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "PAC");
  mean_ = stored.vector("mean");
  const std::vector<double> m = stored.vector("m");
  model_ = {};
  const auto columns = static_cast<std::int64_t>(mean_.size());
  bool sound = false;
  m_ = m.size() == 1 ? m[0] : 0;
  if (params_.distance == PacDistance::euclidean) {
    model_.rows = stored.float_matrix("rows");
    model_.lent = stored.float_matrix("lent");
    sound = model_.rows.cols() == columns && model_.rows.rows() == model_.lent.rows();
  } else {
    model_.weights = stored.vector("weights");
    model_.square_sums = stored.vector("square_sums");
    model_.sums = stored.matrix("sums");
    sound = model_.weights.size() == model_.square_sums.size() &&
            model_.sums.rows() == clusters() && model_.sums.cols() == columns;
  }
  if (!sound || !(m_ > 1))
    throw UserError("the stored PAC model's tensors do not fit together; train it again");
}

}  // namespace coterie
