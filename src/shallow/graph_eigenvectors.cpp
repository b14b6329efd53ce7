#include "coterie/shallow/graph_eigenvectors.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "coterie/core/memory.h"
#include "coterie/core/parallel.h"
#include "coterie/core/random.h"

namespace coterie {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kDegree = 16;
constexpr int kMaxSteps = 100;
constexpr double kTolerance = 1e-6;  // residual |S v - v lambda| of each vector that is wanted

/// S = D^(-1/2) W D^(-1/2): eigenvalues in [-1, 1], 1 less those of L.
class NormalisedGraph {
 public:
  explicit NormalisedGraph(const NeighbourGraph& graph)
      : graph_(graph), values_(graph.weights.size()), isolated_(graph.rows()) {
    std::vector<double> scales = graph.degrees();
    for (std::int64_t i = 0; i < graph.rows(); ++i) {
      isolated_[i] = scales[i] > 0 ? 0.0 : 1.0;
      scales[i] = scales[i] > 0 ? 1.0 / std::sqrt(scales[i]) : 0.0;
    }
    for (std::int64_t i = 0; i < graph.rows(); ++i)
      for (std::int64_t e = graph.offsets[i]; e < graph.offsets[i + 1]; ++e)
        values_[e] = graph.weights[e] * scales[i] * scales[graph.columns[e]];
  }

  std::int64_t rows() const { return graph_.rows(); }

  /// out = a (S - shift) x + b out, each row by itself.
  void apply(const RowMajor& x, double shift, double a, double b, RowMajor& out) const {
    parallel_for(rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
      Eigen::RowVectorXd sum(x.cols());
      for (std::int64_t i = begin; i < end; ++i) {
        sum = (isolated_[i] - shift) * x.row(i);
        for (std::int64_t e = graph_.offsets[i]; e < graph_.offsets[i + 1]; ++e)
          sum += values_[e] * x.row(graph_.columns[e]);
        if (b == 0)
          out.row(i) = a * sum;
        else
          out.row(i) = a * sum + b * out.row(i);
      }
    });
  }

  Eigen::MatrixXd dense() const {
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(rows(), rows());
    for (std::int64_t i = 0; i < rows(); ++i) {
      matrix(i, i) = isolated_[i];
      for (std::int64_t e = graph_.offsets[i]; e < graph_.offsets[i + 1]; ++e)
        matrix(i, graph_.columns[e]) += values_[e];
    }
    return matrix;
  }

 private:
  const NeighbourGraph& graph_;
  std::vector<double> values_;
  std::vector<double> isolated_;  // 1 for a row without weight
};

/// x becomes p(S) x, p the Chebyshev polynomial that stays within [-1, 1] on [-1, cut] and grows
/// fast above.
void filter(const NormalisedGraph& graph, double cut, const ShallowContext& context, RowMajor& x) {
  const double half = (cut + 1) / 2, centre = (cut - 1) / 2;
  // Scaled by the growth at 1, so that the numbers stay near 1.
  const double sigma_1 = half / (1 - centre);
  double sigma = sigma_1;
  RowMajor y(x.rows(), x.cols());
  graph.apply(x, centre, sigma / half, 0, y);
  for (int degree = 2; degree <= kDegree; ++degree) {
    context.check_cancelled();
    const double next = 1 / (2 / sigma_1 - sigma);
    graph.apply(y, centre, 2 * next / half, -sigma * next, x);
    x.swap(y);
    sigma = next;
  }
  x.swap(y);
}

/// A^T B, summed by fixed shares of the rows.
Eigen::MatrixXd product(const RowMajor& a, const RowMajor& b) {
  const int threads =
      static_cast<int>(std::clamp<std::int64_t>(a.size() / 100'000, 1, thread_count()));
  std::vector<Eigen::MatrixXd> parts(static_cast<std::size_t>(threads));
  Team::run(threads, [&](int rank, Team&) {
    const Share share = share_of(a.rows(), rank, threads);
    parts[rank].noalias() = a.middleRows(share.begin, share.end - share.begin).transpose() *
                            b.middleRows(share.begin, share.end - share.begin);
  });
  for (int rank = 1; rank < threads; ++rank) parts[0] += parts[rank];
  return std::move(parts[0]);
}

/// x becomes x m.
void multiply(RowMajor& x, const Eigen::MatrixXd& m) {
  RowMajor result(x.rows(), m.cols());
  parallel_for(x.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    result.middleRows(begin, end - begin).noalias() = x.middleRows(begin, end - begin) * m;
  });
  x.swap(result);
}

/// Columns of unit length at right angles. Twice by the Gram matrix's Cholesky factor: the second
/// pass repairs what the first loses on nearly parallel columns.
void orthonormalise(RowMajor& x) {
  for (int pass = 0; pass < 2; ++pass) {
    const Eigen::LLT<Eigen::MatrixXd> cholesky(product(x, x));
    if (cholesky.info() != Eigen::Success) {
      const Eigen::HouseholderQR<Eigen::MatrixXd> qr{Eigen::MatrixXd(x)};
      x = qr.householderQ() * Eigen::MatrixXd::Identity(x.rows(), x.cols());
      return;
    }
    multiply(x, cholesky.matrixU().solve(Eigen::MatrixXd::Identity(x.cols(), x.cols())));
  }
}

GraphEigenvectors first_columns(const Eigen::VectorXd& values, const RowMajor& vectors,
                                std::int64_t count) {
  GraphEigenvectors result;
  result.vectors = Matrix<double>(vectors.rows(), count);
  for (std::int64_t c = 0; c < count; ++c)
    result.eigenvalues.push_back(std::clamp(1.0 - values[c], 0.0, 2.0));
  for (std::int64_t i = 0; i < vectors.rows(); ++i)
    for (std::int64_t c = 0; c < count; ++c) result.vectors(i, c) = vectors(i, c);
  return result;
}

GraphEigenvectors solve_densely(const NormalisedGraph& graph, std::int64_t count) {
  const auto n = static_cast<double>(graph.rows());
  require_memory(3 * 8 * n * n, fmt::format("all eigenvectors of a graph of {} rows", graph.rows()),
                 "ask for fewer clusters");
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(graph.dense());
  return first_columns(solver.eigenvalues().reverse(), solver.eigenvectors().rowwise().reverse(),
                       count);
}

}  // namespace

GraphEigenvectors smallest_laplacian_eigenvectors(const NeighbourGraph& neighbour_graph,
                                                  std::int64_t count,
                                                  const ShallowContext& context) {
  const NormalisedGraph graph(neighbour_graph);
  count = std::min(count, graph.rows());
  const std::int64_t width = count + std::max<std::int64_t>(8, count / 2);
  if (graph.rows() <= 300 || 4 * width > graph.rows()) return solve_densely(graph, count);

  RowMajor x(graph.rows(), width), sx(graph.rows(), width);
  RandomStream stream(context.seed, "eigenvectors");
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = stream.normal();
  if (context.progress) context.progress->begin("eigenvectors", kMaxSteps);
  GraphEigenvectors result;
  double cut = 0;
  for (int step = 1;; ++step) {
    context.check_cancelled();
    filter(graph, cut, context, x);
    orthonormalise(x);
    graph.apply(x, 0, 1, 0, sx);
    // Rayleigh-Ritz in the block's span, largest first.
    const Eigen::MatrixXd small = product(x, sx);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> ritz(0.5 * (small + small.transpose()));
    const Eigen::VectorXd values = ritz.eigenvalues().reverse();
    const Eigen::MatrixXd rotation = ritz.eigenvectors().rowwise().reverse();
    multiply(x, rotation);
    multiply(sx, rotation);
    double residual = 0;
    for (std::int64_t c = 0; c < count; ++c)
      residual = std::max(residual, (sx.col(c) - values[c] * x.col(c)).norm());
    if (context.progress) context.progress->update(step, fmt::format("residual {:.2g}", residual));
    const bool converged = residual < kTolerance;
    if (converged || step == kMaxSteps) {
      result = first_columns(values, x, count);
      result.steps = step;
      result.converged = converged;
      break;
    }
    cut = std::clamp(values[width - 1], -0.9, 1 - 1e-6);
  }
  if (context.progress) {
    context.progress->end();
    if (!result.converged)
      context.progress->warn("the eigenvectors are not exact: the graph has no clear gap");
  }
  return result;
}

}  // namespace coterie
