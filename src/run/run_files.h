#pragma once

#include <span>

namespace coterie {

/// What a file of a run folder is for.
enum class RunFileRole {
  manifest,  ///< written last: it says that the run is finished
  output,    ///< of the run itself; in the manifest with its size and sha256
  added,     ///< made by later commands from a finished run
  folder,    ///< what no result is read from: checkpoints, event files, the report
  kept       ///< what a run that replaces another leaves where it is: above all what people said
};

struct RunFile {
  const char* name;
  RunFileRole role;
  const char* holds;  ///< for the reference: Markdown, one sentence or more
};

/// Every file and folder that coterie writes into a run folder: what the manifest lists, what a run
/// removes that replaces another, and what docs/reference/files.md says of them.
std::span<const RunFile> run_files();

}  // namespace coterie
