#include "coterie/run/run_rows.h"

#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/methods/shallow_methods.h"

namespace coterie {

RunRows::RunRows(const LoadedRun& run) {
  const auto file = run.folder.file("embeddings.npy");
  if (!path_exists(file)) {
    values_ = feature_rows(run.dataset.training_data(), storage_);
    return;
  }
  storage_ = run.folder.read_matrix("embeddings.npy");
  values_ = storage_;
  embeddings_ = true;
  if (values_.rows != run.dataset.size())
    throw UserError("{} holds {} rows, the run {}; cluster again", printable(file.native()),
                    values_.rows, run.dataset.size());
}

}  // namespace coterie
