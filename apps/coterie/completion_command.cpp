#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "coterie/core/text.h"
#include "coterie/methods/registry.h"

namespace coterie {
namespace {

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const auto& method : registered_methods()) names.push_back(method.info.name);
  return names;
}

std::string bash_script(const CLI::App& app) {
  std::string commands, cases;
  for (const auto* command : app.get_subcommands({})) {
    commands += command->get_name() + " ";
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(),
                         join(option_names(*command), " "));
  }
  return fmt::format(R"(_coterie() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words=""
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "{}--help --version" -- "$word"))
    return
  fi
  case "$before" in
    --method) COMPREPLY=($(compgen -W "{}" -- "$word")); return ;;
    --device) COMPREPLY=($(compgen -W "auto cpu cuda" -- "$word")); return ;;
  esac
  case "${{COMP_WORDS[1]}}" in
{}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -F _coterie coterie
)",
                     commands, join(method_names(), " "), cases);
}

/// In single quotes, as fish takes it.
std::string fish_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\\' || c == '\'') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_script(const CLI::App& app) {
  std::string script;
  for (const auto* command : app.get_subcommands({})) {
    script += fmt::format("complete -c coterie -n __fish_use_subcommand -f -a {} -d {}\n",
                          command->get_name(), fish_quoted(command->get_description()));
    for (const auto* option : command->get_options())
      for (const auto& name : option->get_lnames())
        script += fmt::format("complete -c coterie -n '__fish_seen_subcommand_from {}' -l {}{}\n",
                              command->get_name(), name,
                              name == "method" ? " -x -a '" + join(method_names(), " ") + "'" : "");
  }
  return script;
}

}  // namespace

void add_completion_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("completion", "Print a completion script for your shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&app, shell, &session] {
    session.action = [&app, shell] {
      if (*shell == "fish") {
        fmt::print("{}", fish_script(app));
      } else {
        if (*shell == "zsh") fmt::print("autoload -U +X bashcompinit && bashcompinit\n");
        fmt::print("{}", bash_script(app));
      }
      return 0;
    };
  });
}

}  // namespace coterie
