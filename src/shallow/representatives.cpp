#include "coterie/shallow/representatives.h"

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <cmath>

#include "coterie/core/parallel.h"
#include "coterie/core/random.h"

namespace coterie {
namespace {

constexpr std::int64_t kPanel = Representatives::kPanel;
using Panel = Representatives::Panel;
// A row of a panel, and a value for each of its columns. Of fixed size, they stay in registers.
using Row = Eigen::Array<float, kPanel, 1>;
using Lanes = Eigen::Array<double, kPanel, 1>;
using RowMap = Eigen::Map<Row, Eigen::Aligned64>;
using ConstRowMap = Eigen::Map<const Row, Eigen::Aligned64>;

constexpr int kMaxSteps = 200;
constexpr double kTolerance = 1e-3;

/// Rows whose products are added in float before they go into the sum in double.
constexpr std::int64_t kFloatRows = 32;

ConstRowMap row_of(const Panel& panel, std::int64_t i) { return ConstRowMap(panel.row(i)); }
RowMap row_of(Panel& panel, std::int64_t i) { return RowMap(panel.row(i)); }

/// Calls `term(i)`, a Row, for each i in order, and adds these up.
template <class Term>
Lanes sum_of(std::int64_t rows, Term&& term) {
  Lanes sum = Lanes::Zero();
  for (std::int64_t first = 0; first < rows; first += kFloatRows) {
    Row part = Row::Zero();
    for (std::int64_t i = first; i < std::min(rows, first + kFloatRows); ++i) part += term(i);
    sum += part.cast<double>();
  }
  return sum;
}

/// The system I + lambda (D - W).
struct System {
  System(const NeighbourGraph& system_graph, double lambda)
      : graph(system_graph), weights(graph.weights.size()) {
    for (const double degree : graph.degrees())
      diagonal.push_back(static_cast<float>(1 + lambda * degree));
    for (std::size_t e = 0; e < weights.size(); ++e)
      weights[e] = static_cast<float>(lambda * graph.weights[e]);
  }

  Row apply(const Panel& x, std::int64_t i) const {
    Row sum = diagonal[i] * row_of(x, i);
    for (std::int64_t e = graph.offsets[i]; e < graph.offsets[i + 1]; ++e)
      sum -= weights[e] * row_of(x, graph.columns[e]);
    return sum;
  }

  const NeighbourGraph& graph;
  std::vector<float> weights;   // lambda w
  std::vector<float> diagonal;  // 1 + lambda sum w
};

/// Conjugate gradients with the diagonal as preconditioner, each column with its own step lengths.
class PanelSolver {
 public:
  explicit PanelSolver(std::int64_t rows) : r_(rows, kPanel), p_(rows, kPanel), q_(rows, kPanel) {}

  int solve(const System& system, const Panel& b, Panel& u, const ShallowContext& context) {
    const std::int64_t rows = b.rows();
    const Lanes squares =
        sum_of(rows, [&](std::int64_t i) -> Row { return row_of(b, i).square(); });
    Lanes rr = sum_of(rows, [&](std::int64_t i) -> Row {
      const Row r = row_of(b, i) - system.apply(u, i);
      row_of(r_, i) = r;
      row_of(p_, i) = r / system.diagonal[i];
      return r.square();
    });
    Lanes rz = sum_of(rows, [&](std::int64_t i) -> Row { return row_of(r_, i) * row_of(p_, i); });
    int steps = 0;
    for (; steps < kMaxSteps && (rr > kTolerance * kTolerance * squares).any(); ++steps) {
      context.check_cancelled();
      const Lanes pq = sum_of(rows, [&](std::int64_t i) -> Row {
        const Row q = system.apply(p_, i);
        row_of(q_, i) = q;
        return q * row_of(p_, i);
      });
      const Row alpha = (pq > 0).select(rz / pq, Lanes::Zero()).cast<float>();
      Lanes next = Lanes::Zero();
      rr = Lanes::Zero();
      for (std::int64_t first = 0; first < rows; first += kFloatRows) {
        Row part_rr = Row::Zero(), part_rz = Row::Zero();
        for (std::int64_t i = first; i < std::min(rows, first + kFloatRows); ++i) {
          row_of(u, i) += alpha * row_of(p_, i);
          const Row r = row_of(r_, i) - alpha * row_of(q_, i);
          row_of(r_, i) = r;
          part_rr += r.square();
          part_rz += r.square() / system.diagonal[i];
        }
        rr += part_rr.cast<double>();
        next += part_rz.cast<double>();
      }
      const Row beta = (rz > 0).select(next / rz, Lanes::Zero()).cast<float>();
      rz = next;
      for (std::int64_t i = 0; i < rows; ++i)
        row_of(p_, i) = row_of(r_, i) / system.diagonal[i] + beta * row_of(p_, i);
    }
    return steps;
  }

 private:
  Panel r_, p_, q_;
};

}  // namespace

Representatives::Representatives(ConstFeatures rows) : rows_(rows.rows), columns_(rows.cols) {
  for (std::int64_t first = 0; first < columns_; first += kPanel) {
    Panel panel(rows_, kPanel);
    const std::int64_t width = std::min(kPanel, columns_ - first);
    for (std::int64_t i = 0; i < rows_; ++i) std::copy_n(rows.row(i) + first, width, panel.row(i));
    x_.push_back(panel);
    u_.push_back(std::move(panel));
  }
}

std::vector<double> Representatives::squared_lengths(std::span<const Edge> edges) const {
  std::vector<double> lengths(edges.size());
  const auto count = static_cast<std::int64_t>(edges.size());
  parallel_for(count, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (const Panel& panel : u_)
      for (std::int64_t e = begin; e < end; ++e) {
        const float *a = panel.row(edges[e].first), *b = panel.row(edges[e].second);
        float sum = 0;
        for (std::int64_t c = 0; c < kPanel; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
        lengths[e] += sum;
      }
  });
  return lengths;
}

double Representatives::data_term() const {
  std::vector<double> sums(x_.size());
  parallel_for(static_cast<std::int64_t>(x_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel)
      for (std::int64_t i = 0; i < rows_; ++i) {
        const float *x = x_[panel].row(i), *u = u_[panel].row(i);
        float sum = 0;
        for (std::int64_t c = 0; c < kPanel; ++c) sum += (x[c] - u[c]) * (x[c] - u[c]);
        sums[panel] += sum;
      }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total / 2;
}

double Representatives::spectral_norm(const ShallowContext& context) const {
  // Power iteration on X^T X.
  const auto panels = static_cast<std::int64_t>(x_.size());
  RandomStream stream(context.seed, "spectral norm");
  std::vector<double> v(static_cast<std::size_t>(panels * kPanel)),
      xv(static_cast<std::size_t>(rows_));
  for (double& value : v) value = 0.5 + stream.uniform();
  double norm = 0;
  for (int step = 0; step < 100; ++step) {
    context.check_cancelled();
    double length = 0;
    for (const double value : v) length += value * value;
    length = std::sqrt(length);
    const double before = norm;
    norm = std::sqrt(length);  // |X^T X v| for the unit vector before
    if (length == 0) return 0;
    if (step > 1 && std::abs(norm - before) <= 1e-5 * norm) break;
    for (double& value : v) value /= length;
    parallel_for(rows_, 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) xv[i] = 0;
      for (std::int64_t panel = 0; panel < panels; ++panel)
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t c = 0; c < kPanel; ++c)
            xv[i] += x_[panel](i, c) * v[panel * kPanel + c];
    });
    parallel_for(panels, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t panel = begin; panel < end; ++panel) {
        Lanes sums = Lanes::Zero();
        for (std::int64_t i = 0; i < rows_; ++i)
          sums += row_of(x_[panel], i).cast<double>() * xv[i];
        std::copy_n(sums.data(), kPanel, v.begin() + panel * kPanel);
      }
    });
  }
  return norm;
}

int Representatives::solve(const NeighbourGraph& graph, double lambda,
                           const ShallowContext& context) {
  const System system(graph, lambda);
  std::atomic<int> most{0};
  parallel_for(static_cast<std::int64_t>(x_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    PanelSolver solver(rows_);
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const int steps = solver.solve(system, x_[panel], u_[panel], context);
      int known = most.load();
      while (steps > known && !most.compare_exchange_weak(known, steps)) {
      }
    }
  });
  return most.load();
}

Matrix<float> Representatives::values() const {
  Matrix<float> result(rows_, columns_);
  for (std::int64_t i = 0; i < rows_; ++i)
    for (std::int64_t d = 0; d < columns_; ++d) result(i, d) = u_[d / kPanel](i, d % kPanel);
  return result;
}

double laplacian_norm(const NeighbourGraph& graph, const ShallowContext& context) {
  const std::int64_t n = graph.rows();
  const std::vector<double> degrees = graph.degrees();
  std::vector<double> v(static_cast<std::size_t>(n)), next(v.size());
  RandomStream stream(context.seed, "laplacian norm");
  for (double& value : v) value = stream.normal();
  double norm = 0;
  for (int step = 0; step < 500; ++step) {
    context.check_cancelled();
    parallel_for(n, 4096, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        double sum = degrees[i] * v[i];
        for (std::int64_t e = graph.offsets[i]; e < graph.offsets[i + 1]; ++e)
          sum -= graph.weights[e] * v[graph.columns[e]];
        next[i] = sum;
      }
    });
    double length = 0;
    for (const double value : next) length += value * value;
    length = std::sqrt(length);
    if (length == 0) return 0;
    for (std::int64_t i = 0; i < n; ++i) v[i] = next[i] / length;
    const double before = norm;
    norm = length;  // |L v| for the unit vector before, but for the first step
    if (step > 10 && std::abs(norm - before) <= 1e-5 * norm) break;
  }
  return norm;
}

}  // namespace coterie
