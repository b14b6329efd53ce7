#include "coterie/train/embed.h"

#include <algorithm>
#include <cstring>

#include "coterie/nn/device.h"

namespace coterie {

Matrix<float> embed(const TrainingData& data, const EmbedOptions& options,
                    const std::function<torch::Tensor(const torch::Tensor&)>& network) {
  apply_thread_count();
  torch::NoGradGuard no_grad;
  Loader loader(data, options.side, options.device);
  if (options.progress) options.progress->begin("embedding images", data.count);
  Matrix<float> rows;
  std::vector<std::int64_t> indices(options.batch);
  for (std::int64_t begin = 0; begin < data.count; begin += options.batch) {
    if (options.cancel) options.cancel->check();
    const std::int64_t filled = std::min(options.batch, data.count - begin);
    for (std::int64_t i = 0; i < options.batch; ++i) indices[i] = begin + std::min(i, filled - 1);
    const auto result = network(loader.batch(indices)).to(torch::kCPU, torch::kFloat).contiguous();
    if (rows.empty()) rows = Matrix<float>(data.count, result.size(1));
    std::memcpy(rows.row(begin), result.data_ptr<float>(),
                static_cast<std::size_t>(filled * rows.cols()) * sizeof(float));
    if (options.progress) options.progress->update(begin + filled);
  }
  if (options.progress) options.progress->end();
  return rows;
}

}  // namespace coterie
