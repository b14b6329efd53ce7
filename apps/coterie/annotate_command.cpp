#include <memory>

#include "commands.h"
#if defined(COTERIE_WEB)
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include "coterie/annotate/server.h"
#include "coterie/annotate/transfer.h"
#include "coterie/core/text.h"
#include "results.h"
#endif

namespace coterie {

#if defined(COTERIE_WEB)
namespace {

struct AnnotateOptions {
  std::string run, method, annotator, import_from, export_to;
  std::int64_t budget = 0;
  ServerOptions server;
};

/// Serves in a thread of its own, so that signals interrupt only the one that looks for them.
class ServingThread {
 public:
  explicit ServingThread(AnnotationServer& server) : server_(server) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // Threads take over who may interrupt them.
    thread_ = std::thread([this] {
      try {
        server_.run();
      } catch (...) {
        failure_ = std::current_exception();
      }
      ended_ = true;
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  bool ended() const { return ended_; }
  void join() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  AnnotationServer& server_;
  std::exception_ptr failure_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

int transfer(const AnnotateOptions& options, const Session& session) {
  if (!options.export_to.empty()) {
    const std::int64_t count = export_constraints(options.run, options.export_to);
    if (session.json) {
      print_json({{"file", path_to_json(options.export_to)}, {"constraints", count}});
    } else {
      fmt::print("{}: {} constraints\n", printable(options.export_to), count);
    }
    return 0;
  }
  const ImportCounts counts =
      import_constraints(options.run, options.import_from, options.annotator);
  if (session.json) {
    print_json({{"added", counts.added},
                {"known", counts.known},
                {"contradicting", counts.contradicting}});
  } else {
    fmt::print("{} constraints added, {} were known; {} of those added contradict earlier ones\n",
               counts.added, counts.known, counts.contradicting);
  }
  return 0;
}

int annotate(const AnnotateOptions& options, Session& session) {
  if (!options.import_from.empty() || !options.export_to.empty()) return transfer(options, session);
  Console console(session.quiet);
  RunTrainer trainer(options.method);
  AnnotationSession annotation(open_run(options.run, console, *session.cancel),
                               {options.budget, options.annotator, &console}, trainer);
  AnnotationServer server(annotation, options.server, annotator_pages());
  if (session.json) {
    print_json(
        {{"run", path_to_json(options.run)}, {"url", server.address()}, {"port", server.port()}});
  } else {
    fmt::print("{}\n", server.address());
  }
  std::fflush(stdout);
  if (!session.quiet) fmt::print(stderr, "Open this address in a browser; Ctrl-C ends.\n");

  ServingThread serving(server);
  while (!session.cancel->cancelled() && !serving.ended())
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const bool cancelled_training = annotation.stop();
  server.stop();
  serving.join();
  if (cancelled_training) throw Interrupted();
  return 0;
}

std::string user_name() {
  const char* name = std::getenv("USER");
  return name && is_utf8(name) ? name : "";
}

}  // namespace
#endif

void add_annotate_command([[maybe_unused]] CLI::App& app, [[maybe_unused]] Session& session) {
#if defined(COTERIE_WEB)
  auto* command = app.add_subcommand(
      "annotate", "Answer questions about a run's images and correct its clusters in the browser");
  auto options = std::make_shared<AnnotateOptions>();
  options->annotator = user_name();
  command->add_option("RUN", options->run, "Run folder")->required();
  command->add_option("--port", options->server.port, "Port to serve on; 0: one that is free")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--host", options->server.host,
                   "Address to serve on; others than loopback need --token")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command
      ->add_option("--token", options->server.token,
                   "What opens the page, at least 16 characters; default: a random one")
      ->type_name("TEXT");
  command
      ->add_option("--budget", options->budget,
                   "Pairs that a round asks about; default: a 25th of the images, 10 to 100")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command
      ->add_option("--method", options->method,
                   "What trains the rounds; adc learns from the answers alone. Default: the run's "
                   "own method, or what goes on from its network")
      ->type_name("NAME");
  command->add_option("--annotator", options->annotator, "Who answers, for the record")
      ->type_name("NAME")
      ->capture_default_str();
  auto* import_option =
      command->add_option("--import", options->import_from, "Add the constraints of a csv and end")
          ->type_name("FILE");
  command->add_option("--export", options->export_to, "Write all constraints to a csv and end")
      ->type_name("FILE")
      ->excludes(import_option);
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return annotate(*options, session); };
  });
#endif
}

}  // namespace coterie
