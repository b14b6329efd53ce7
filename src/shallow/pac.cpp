#include "coterie/shallow/pac.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"
#include "coterie/shallow/rows.h"
#include "coterie/shallow/stored_tensors.h"

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<RowMajor>;
using ConstMap = Eigen::Map<const RowMajor>;
using Strided = Eigen::Map<RowMajor, 0, Eigen::OuterStride<>>;
using ConstStrided = Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>>;

/// A sweep in fewer arithmetic steps than this runs in one thread: several restarts then share the
/// cores instead.
constexpr double kTeamWork = 2e8;

/// A block holds at most this part of an average cluster.
constexpr std::int64_t kBlocksPerCluster = 10;

/// The running sums over all rows, each weighted by what it lends to cluster k.
struct Sums {
  Sums(std::int64_t clusters, std::int64_t columns)
      : weight(clusters), square(clusters), vector(clusters, columns) {}
  std::vector<double> weight;  // n_k
  std::vector<double> square;  // Q_k
  Matrix<double> vector;       // S_k, [K, D]
};

/// Probabilities from scores, in place: p_k = s_k^-alpha / sum_r s_r^-alpha, in logarithms. On
/// entry `p` [rows, K] holds x_i.S_k; `squares` are |x_i|^2.
void probabilities_from_products(Map p, const double* squares, const Sums& sums, double alpha) {
  const auto clusters = p.cols();
  for (Eigen::Index i = 0; i < p.rows(); ++i) {
    auto row = p.row(i).array();
    double smallest = std::numeric_limits<double>::infinity();
    for (Eigen::Index k = 0; k < clusters; ++k) {
      const double size = sums.weight[k] * squares[i] + sums.square[k];
      // Below this, what is left of the difference is rounding: rows that coincide have score 0,
      // and the sums of a cluster that ran empty may end a little below it.
      const double floor =
          8 * std::numeric_limits<double>::epsilon() * std::max(size, 0.0) + 1e-300;
      row[k] = std::max(size - 2.0 * row[k], floor);
      smallest = std::min(smallest, row[k]);
    }
    row = ((row * (1.0 / smallest)).log() * -alpha).exp();
    row *= 1.0 / row.sum();
  }
}

/// One run of algorithm 1 over prepared rows, on the threads of a Team.
class Sweeper {
 public:
  Sweeper(const PreparedRows& rows, const PacParams& params, std::int64_t clusters)
      : rows_(rows),
        params_(params),
        clusters_(clusters),
        block_(std::min<std::int64_t>(params.block_rows, rows.rows())),
        sums_(clusters, rows.cols()),
        p_(rows.rows(), clusters),
        order_(static_cast<std::size_t>(rows.rows())),
        x_(block_, rows.cols()),
        delta_(block_, clusters),
        squares_(static_cast<std::size_t>(rows.rows())) {
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  }

  Matrix<double>& probabilities() { return p_; }
  const Sums& sums() const { return sums_; }
  std::vector<std::uint32_t>& order() { return order_; }

  /// softmax of N(0, 1) / 1000 for each row.
  void start_at_random(RandomStream& stream) {
    for (std::int64_t i = 0; i < p_.rows(); ++i) {
      double total = 0;
      for (std::int64_t k = 0; k < clusters_; ++k)
        total += p_(i, k) = std::exp(stream.normal() / 1000.0);
      for (std::int64_t k = 0; k < clusters_; ++k) p_(i, k) /= total;
    }
  }

  /// Sums from the probabilities as they stand. Called by every rank.
  void collect_sums(int rank, Team& team) { pass(rank, team, /*update=*/false); }
  /// One sweep; rank 0 gets the mean L1 change of a row. Called by every rank.
  double sweep(int rank, Team& team) {
    pass(rank, team, /*update=*/true);
    return change_.load() / static_cast<double>(rows_.rows());
  }

  /// Eq. 1 with the probabilities themselves as weights: 2 sum_k (n_k Q_k - |S_k|^2).
  double objective() {
    if (params_.weight == PacWeight::p_to_m) {
      PacParams plain = params_;
      plain.weight = PacWeight::p;
      std::swap(plain, params_);
      Team::run(1, [&](int rank, Team& team) { collect_sums(rank, team); });
      std::swap(plain, params_);
    }
    double total = 0;
    for (std::int64_t k = 0; k < clusters_; ++k) {
      const ConstMap s(sums_.vector.row(k), 1, rows_.cols());
      total += 2.0 * (sums_.weight[k] * sums_.square[k] - s.squaredNorm());
    }
    return total;
  }

 private:
  double lent(double p) const {
    return params_.weight == PacWeight::p ? p : std::pow(p, params_.m);
  }

  void pass(int rank, Team& team, bool update) {
    if (rank == 0) {
      change_.store(0);
      if (!update) sums_ = Sums(clusters_, rows_.cols());
    }
    team.wait();
    double change = 0;
    const std::int64_t columns = rows_.cols();
    const Share width = share_of(columns, rank, team.threads());
    for (std::int64_t first = 0; first < rows_.rows(); first += block_) {
      const std::int64_t count = std::min(block_, rows_.rows() - first);
      const Share mine = share_of(count, rank, team.threads());
      const std::int64_t mine_count = mine.end - mine.begin;
      for (std::int64_t b = mine.begin; b < mine.end; ++b) {
        if (first + b + block_ < rows_.rows()) rows_.prefetch(order_[first + b + block_]);
        rows_.load(order_[first + b], x_.row(b));
        // By place in the order, so that a block's lengths lie together.
        if (!update) squares_[first + b] = squared_length(x_.row(b), columns);
      }
      if (update && mine_count > 0) {
        Map fresh(delta_.row(mine.begin), mine_count, clusters_);
        fresh.noalias() = ConstMap(x_.row(mine.begin), mine_count, columns) *
                          ConstMap(sums_.vector.data(), clusters_, columns).transpose();
        probabilities_from_products(fresh, squares_.data() + first + mine.begin, sums_,
                                    1.0 / (params_.m - 1.0));
      }
      for (std::int64_t b = mine.begin; b < mine.end; ++b) {
        double* p = p_.row(order_[first + b]);
        double* delta = delta_.row(b);
        for (std::int64_t k = 0; k < clusters_; ++k) {
          if (!update) {
            delta[k] = lent(p[k]);
            continue;
          }
          const double fresh = delta[k];
          change += std::abs(fresh - p[k]);
          delta[k] = lent(fresh) - lent(p[k]);
          p[k] = fresh;
        }
      }
      team.wait();
      // The sums take in the block: each rank its share of the columns.
      if (width.end > width.begin) {
        Strided(sums_.vector.data() + width.begin, clusters_, width.end - width.begin,
                Eigen::OuterStride<>(columns))
            .noalias() += ConstMap(delta_.data(), count, clusters_).transpose() *
                          ConstStrided(x_.data() + width.begin, count, width.end - width.begin,
                                       Eigen::OuterStride<>(columns));
      }
      if (rank == 0) {
        for (std::int64_t b = 0; b < count; ++b)
          for (std::int64_t k = 0; k < clusters_; ++k) {
            sums_.weight[k] += delta_(b, k);
            sums_.square[k] += delta_(b, k) * squares_[first + b];
          }
      }
      team.wait();
    }
    change_.fetch_add(change);
    team.wait();
  }

  const PreparedRows& rows_;
  PacParams params_;
  std::int64_t clusters_;
  std::int64_t block_;
  Sums sums_;
  Matrix<double> p_;
  std::vector<std::uint32_t> order_;
  Matrix<double> x_;             // the block's rows, [B, D]
  Matrix<double> delta_;         // change of what the block's rows lend, [B, K]
  std::vector<double> squares_;  // |x|^2 by place in the order
  std::atomic<double> change_{0};
};

}  // namespace

const Fields<PacParams>& PacParams::fields() {
  static const Fields<PacParams> fields =
      Fields<PacParams>()
          .number("m", &PacParams::m, Range{1, 100, true, false},
                  "fuzziness; nearer to 1 is harder")
          .choice("distance", &PacParams::distance,
                  {{"sqeuclidean", PacDistance::sqeuclidean}, {"cosine", PacDistance::cosine}},
                  "distance between rows")
          .choice("weight", &PacParams::weight, {{"p", PacWeight::p}, {"p^m", PacWeight::p_to_m}},
                  "weight that a row lends to a cluster")
          .number("restarts", &PacParams::restarts, between(1, 10000),
                  "random starts; the lowest objective is kept")
          .number("block_rows", &PacParams::block_rows, between(1, 1024),
                  "rows updated at once, at most; a tenth of an average cluster is never passed")
          .number("max_sweeps", &PacParams::max_sweeps, between(1, 1e6),
                  "sweeps over all rows in a restart, at most")
          .number("tolerance", &PacParams::tolerance, between(0, 2),
                  "stop when a row's probabilities change by less on average (L1)");
  return fields;
}

Pac::Pac(PacParams params) : params_(params) { params_.validate(); }

Assignment Pac::fit(ConstFeatures features, std::int64_t clusters, const ShallowContext& context) {
  check_clustering_input(features, clusters);
  if (features.rows > std::numeric_limits<std::uint32_t>::max())
    throw UserError("PAC takes at most 2^32 - 1 rows, these are {}", features.rows);
  constexpr int kFewestSweeps = 10;
  const bool cosine = params_.distance == PacDistance::cosine;
  const PreparedRows rows(features, PreparedRows::mean_of(features, cosine), cosine);
  mean_ = rows.mean();

  // Rows that change together do not see each other change: too many of a cluster at once, and all
  // flip to and fro.
  PacParams run_params = params_;
  run_params.block_rows = static_cast<int>(std::clamp<std::int64_t>(
      features.rows / (kBlocksPerCluster * clusters), 1, params_.block_rows));

  const double work = static_cast<double>(features.size()) * static_cast<double>(clusters);
  const int team_threads = work < kTeamWork && params_.restarts > 1 ? 1 : thread_count();
  const int restarts_at_once = team_threads == 1 ? thread_count() : 1;

  restarts_.assign(static_cast<std::size_t>(params_.restarts), {});
  double best = std::numeric_limits<double>::infinity();
  std::mutex best_mutex;
  std::atomic<std::int64_t> sweeps_done{0};
  if (context.progress)
    context.progress->begin("PAC",
                            static_cast<std::int64_t>(params_.restarts) * params_.max_sweeps);

  const auto run_restart = [&](int restart) {
    RandomStream stream(context.seed, "pac", static_cast<std::uint64_t>(restart));
    Sweeper sweeper(rows, run_params, clusters);
    sweeper.start_at_random(stream);
    stream.shuffle(std::span(sweeper.order()));
    PacRestart& record = restarts_[restart];
    std::atomic<bool> stop{false};
    Team::run(team_threads, [&](int rank, Team& team) {
      sweeper.collect_sums(rank, team);
      while (!stop.load()) {
        const double change = sweeper.sweep(rank, team);
        if (rank == 0) {
          record.changes.push_back(change);
          record.sweeps = static_cast<int>(record.changes.size());
          record.converged = record.sweeps > kFewestSweeps && change < params_.tolerance;
          const std::int64_t done = ++sweeps_done;
          if (context.progress)
            context.progress->update(done, fmt::format("restart {}, sweep {}, change {:.2g}",
                                                       restart + 1, record.sweeps, change));
          stop = record.converged || record.sweeps >= params_.max_sweeps ||
                 (context.cancel && context.cancel->cancelled());
        }
        team.wait();
      }
    });
    context.check_cancelled();
    const Sums sums = sweeper.sums();
    record.objective = sweeper.objective();
    std::lock_guard lock(best_mutex);
    // Equal objectives go to the earlier restart, whichever thread ends first.
    if (record.objective < best || (record.objective == best && restart < chosen_)) {
      best = record.objective;
      chosen_ = restart;
      weights_ = sums.weight;
      square_sums_ = sums.square;
      sums_ = sums.vector;
    }
  };
  std::atomic<int> next{0};
  const auto work_through = [&](std::int64_t, std::int64_t) {
    for (int restart = next++; restart < params_.restarts; restart = next++) run_restart(restart);
  };
  if (restarts_at_once > 1) {
    parallel_for(std::min(restarts_at_once, params_.restarts), 1, work_through);
  } else {
    work_through(0, 1);
  }
  if (context.progress) context.progress->end();
  return predict(features);
}

Assignment Pac::predict(ConstFeatures features) const {
  if (weights_.empty()) throw UserError("this PAC model is not trained: call fit or load first");
  check_width(sums_.cols(), features.cols);
  const PreparedRows rows(features, mean_, params_.distance == PacDistance::cosine);
  Sums sums(clusters(), features.cols);
  sums.weight = weights_;
  sums.square = square_sums_;
  sums.vector = sums_;
  Assignment result{{}, Matrix<float>(features.rows, clusters())};
  const std::int64_t block = 64;
  const std::int64_t blocks = (features.rows + block - 1) / block;
  // Whole blocks from row 0 on: a row's arithmetic does not depend on how threads share them.
  parallel_for(blocks, 16, [&](std::int64_t begin, std::int64_t end) {
    Matrix<double> x(block, features.cols), p(block, clusters());
    std::vector<double> squares(block);
    for (std::int64_t first = begin * block; first < std::min(end * block, features.rows);
         first += block) {
      const std::int64_t count = std::min(block, features.rows - first);
      for (std::int64_t b = 0; b < count; ++b) {
        rows.load(first + b, x.row(b));
        squares[b] = squared_length(x.row(b), features.cols);
      }
      Map fresh(p.data(), count, clusters());
      fresh.noalias() = ConstMap(x.data(), count, features.cols) *
                        ConstMap(sums.vector.data(), clusters(), features.cols).transpose();
      probabilities_from_products(fresh, squares.data(), sums, 1.0 / (params_.m - 1.0));
      std::copy(p.data(), p.data() + count * clusters(), result.probabilities.row(first));
    }
  });
  result.labels = argmax_rows(result.probabilities.view());
  return result;
}

Matrix<double> Pac::refine(ConstFeatures features, const Matrix<double>& start, int sweeps) const {
  check_clustering_input(features, start.cols());
  if (start.rows() != features.rows)
    throw UserError("the start has {} rows, the features {}", start.rows(), features.rows);
  const bool cosine = params_.distance == PacDistance::cosine;
  const PreparedRows rows(features, PreparedRows::mean_of(features, cosine), cosine);
  Sweeper sweeper(rows, params_, start.cols());
  sweeper.probabilities() = start;
  Team::run(1, [&](int rank, Team& team) {
    sweeper.collect_sums(rank, team);
    for (int sweep = 0; sweep < sweeps; ++sweep) sweeper.sweep(rank, team);
  });
  return std::move(sweeper.probabilities());
}

TensorMap Pac::save() const {
  const auto clusters_count = clusters();
  return {{"mean", make_tensor<double>({static_cast<std::int64_t>(mean_.size())}, mean_)},
          {"weights", make_tensor<double>({clusters_count}, weights_)},
          {"square_sums", make_tensor<double>({clusters_count}, square_sums_)},
          {"sums", make_tensor(sums_)}};
}

void Pac::load(const TensorMap& tensors) {
  const StoredTensors stored(tensors, "PAC");
  mean_ = stored.vector("mean");
  weights_ = stored.vector("weights");
  square_sums_ = stored.vector("square_sums");
  sums_ = stored.matrix("sums");
  if (weights_.size() != square_sums_.size() || sums_.rows() != clusters() ||
      sums_.cols() != static_cast<std::int64_t>(mean_.size()))
    throw UserError("the stored PAC model's tensors do not fit together; train it again");
}

}  // namespace coterie
