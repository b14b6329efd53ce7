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
      "(--strict) or not put back (--undo), 130 interrupted, 1 a fault of coterie.");
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
  // Each of several processes would do the same work and write the same files.
  if (process_count() > 1 && !session.trains_together)
    throw UserError("coterie {} works in one process; start it without launch, RANK and WORLD_SIZE",
                    app.get_subcommands().front()->get_name());
  if (session.threads > 0) {
    set_thread_count(session.threads);
  } else if (const char* text = std::getenv("LOCAL_WORLD_SIZE")) {
    // Processes that train together on this machine share its cores.
    const int sharing = std::max(1, std::atoi(text));
    set_thread_count(std::max(1, thread_count() / sharing));
  }
  return session.action();
}

constexpr const char* kStdoutFault = "cannot write to stdout; check the disk or the pipe";
constexpr const char* kMemoryFault =
    "not enough memory; give fewer or smaller images, a smaller batch (--set batch_size), or free "
    "some";

/// Says why the program fails, as far as there is a stderr to say it to.
int fail(ExitCode code, std::string_view why) {
  const std::string line = fmt::format("error: {}\n", why);
  std::fputs(line.c_str(), stderr);
  return code;
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
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    return fail(kUserError, kStdoutFault);
  } catch (const UserError& error) {
    return fail(kUserError, error.what());
  } catch (const PeerLost& error) {
    return fail(kInterrupted, error.what());
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    return fail(kUserError, kMemoryFault);
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    if (std::ferror(stdout) != 0) return fail(kUserError, kStdoutFault);
    // libtorch has errors of its own for it.
    if (text.find("allocate memory") != text.npos || text.find("out of memory") != text.npos)
      return fail(kUserError, kMemoryFault);
    return fail(kOurBug, fmt::format("this is a fault of coterie, please report it: {}", text));
  }
}
