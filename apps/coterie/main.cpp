#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "commands.h"
#include "coterie/core/blas.h"
#include "coterie/core/parallel.h"
#include "coterie/core/text.h"
#include "coterie/core/version.h"
#include "coterie/methods/runtime.h"

namespace coterie {
namespace {

CancelToken g_cancel;

extern "C" void on_signal(int) { g_cancel.cancel(); }

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // The first signal stops in order, with a checkpoint; a second one stops at once.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

/// Keeps freed memory of up to 1 GB for the next allocation: a training step frees and takes the
/// same blocks over and over, and fresh pages from the kernel cost a tenth of its time.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc allows
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

/// ": did you mean '--seed'?" for the first word that no option or command knows, or nothing.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& words) {
  const auto chosen = app.get_subcommands();
  std::vector<std::string> known;
  if (chosen.empty()) {
    for (const auto* command : app.get_subcommands({})) known.push_back(command->get_name());
  } else {
    for (const auto* option : chosen.front()->get_options())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string word = words[i].substr(0, words[i].find('='));
    const bool candidate = chosen.empty() ? i == 1 : word.starts_with("--");
    if (!candidate || std::find(known.begin(), known.end(), word) != known.end()) continue;
    const std::string near = closest(word, known);
    if (!near.empty()) return ": did you mean '" + near + "'?";
  }
  return "";
}

int run_program(int argc, char** argv) {
  Session session;
  session.started = steady_seconds();
  session.cancel = &g_cancel;
  std::vector<std::string> words(argv, argv + argc);
  if (!words.empty()) words[0] = "coterie";
  session.command_line = join(words, " ");

  CLI::App app(
      "coterie groups unlabelled images (or feature rows) into clusters.\n"
      "Start with:  coterie cluster photos/ -k 12",
      "coterie");
  app.set_version_flag("--version", fmt::format("coterie {}", kVersion));
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit codes: 0 done, 2 wrong input or options, 3 done but files were left out "
      "(--strict), 130 interrupted, 1 a fault of coterie.");
  add_cluster_command(app, session);
  add_launch_command(app, session);
  add_resume_command(app, session);
  add_predict_command(app, session);
  add_evaluate_command(app, session);
  add_nearest_command(app, session);
  add_map_command(app, session);
  add_duplicates_command(app, session);
  add_outliers_command(app, session);
  add_consensus_command(app, session);
  add_export_command(app, session);
  add_report_command(app, session);
  add_annotate_command(app, session);
  add_pack_command(app, session);
  add_views_command(app, session);
  add_methods_command(app, session);
  add_datasets_command(app, session);
  add_doctor_command(app, session);
  add_bench_command(app, session);
  add_completion_command(app, session);
  add_reference_command(app, session);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "error: {}{}\n", error.what(), suggestion(app, words));
    std::string command = "coterie";
    for (const auto* sub : app.get_subcommands()) command += " " + sub->get_name();
    fmt::print(stderr, "See: {} --help\n", command);
    return kUserError;
  }
  // A training is shared out among processes; of these each would write the same files.
  for (const auto* chosen : app.get_subcommands()) {
    const std::string& name = chosen->get_name();
    if ((name == "bench" || name == "annotate") && process_count() > 1)
      throw UserError(
          "coterie {} works in one process; start it without launch, RANK and WORLD_SIZE", name);
  }
  if (session.threads > 0) {
    set_thread_count(session.threads);
  } else if (const char* text = std::getenv("LOCAL_WORLD_SIZE")) {
    // Processes that train together on this machine share its cores.
    const int sharing = std::max(1, std::atoi(text));
    set_thread_count(std::max(1, thread_count() / sharing));
  }
  return session.action();
}

}  // namespace
}  // namespace coterie

int main(int argc, char** argv) {
  using namespace coterie;
  handle_signals();
  keep_freed_memory();
  choose_blas_kernels();
  try {
    const int code = run_program(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      fmt::print(stderr, "error: cannot write to stdout; check the disk or the pipe\n");
      return kUserError;
    }
    return code;
  } catch (const UserError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return kUserError;
  } catch (const PeerLost& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return kInterrupted;
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: not enough memory; give fewer or smaller inputs, or free some\n");
    return kUserError;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: this is a fault of coterie, please report it: {}\n", error.what());
    return kOurBug;
  }
}
