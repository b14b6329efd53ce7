#include "launch.h"

#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "coterie/core/error.h"

namespace coterie {

void add_launch_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "launch", "Run a command in several processes of this machine that train together");
  auto settings = std::make_shared<Launch>();
  auto timeout = std::make_shared<std::string>("5m");
  command->add_option("-n,--processes", settings->count, "How many, e.g. one for each GPU")
      ->required()
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command->add_option("--timeout", *timeout, "How long one may wait for another")
      ->type_name("TIME")
      ->capture_default_str();
  command->prefix_command();
  command->footer("The command follows:  coterie launch -n 2 cluster photos/ -k 12");
  command->callback([command, settings, timeout, &session] {
    session.action = [=] {
      settings->command = command->remaining();
      if (settings->command.empty())
        throw UserError(
            "launch: the command to run is missing; give it last, e.g. coterie launch -n {} "
            "cluster photos/ -k 12",
            settings->count);
      settings->command.insert(settings->command.begin(), "/proc/self/exe");
      settings->timeout = parse_duration("--timeout", *timeout);
      settings->say = [](const std::string& line) { fmt::print(stderr, "launch: {}\n", line); };
      return launch(*settings);
    };
  });
}

}  // namespace coterie
