// One process of a test that takes several: runs the scenario it is given as the process that the
// environment says it is. Exit codes as the program's: 0 all checks hold, 1 one does not, 2 a
// UserError, 130 a PeerLost.
#include <cstdio>
#include <exception>

#include "coterie/core/error.h"
#include "scenarios.h"

int main(int count, char** words) {
  using namespace coterie;
  const auto say = [](const std::exception& error) { std::fprintf(stderr, "%s\n", error.what()); };
  if (count != 2) return 99;
  torch::set_num_threads(1);
  torch::manual_seed(1);
  scenarios::Scenarios all = scenarios::of_processes();
  all.merge(scenarios::of_reducer());
  all.merge(scenarios::of_batch_norm());
  all.merge(scenarios::of_engine());
  try {
    const auto scenario = all.at(words[1]);
    scenario(Processes(process_settings_from_environment(), torch::kCPU));
    return 0;
  } catch (const UserError& error) {
    say(error);
    return 2;
  } catch (const PeerLost& error) {
    say(error);
    return 130;
  } catch (const std::exception& error) {
    say(error);
    return 1;
  }
}
