#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <regex>

#include "commands.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/methods/registry.h"
#include "coterie/run/run_files.h"

namespace coterie {
namespace {

constexpr const char* kMadeBy =
    "Written by `coterie reference docs/reference`, from the program's own tables.\n";

/// Text for a cell of a Markdown table, where a bar would end the cell.
std::string cell(std::string text) {
  for (const auto& [bar, word] : {std::pair{" | ", " or "}, {"|", " or "}, {"\n", " "}})
    for (std::size_t at = 0; (at = text.find(bar, at)) != std::string::npos;)
      text.replace(at, std::string_view(bar).size(), word);
  return text;
}

/// The same for a sentence of the help, with the options that it names in code type.
std::string sentence(const std::string& text) {
  static const std::regex kOption("(^|[ (])(--[a-z][a-z-]*)");
  return std::regex_replace(cell(text), kOption, "$1`$2`");
}

/// A value in code type; nothing where there is nothing.
std::string code(const std::string& text) {
  return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

/// "-k, --clusters" or "INPUT".
std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name();
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return join(names, ", ");
}

/// "N in [1 - 1024]", where CLI11 says "N:INT in [1 - 1024]"; nothing for a flag.
std::string value_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return "";
  std::string text = option.get_type_name();
  if (const auto at = text.find(":INT"); at != std::string::npos) text.erase(at, 4);
  return text;
}

bool is_help(const CLI::Option& option) { return option.check_lname("help"); }

std::string command_section(const CLI::App& command, const CLI::App& app) {
  std::string text = fmt::format(
      "\n## coterie {}\n\n{}.\n\n| option | value | default | what it does |\n"
      "| --- | --- | --- | --- |\n",
      command.get_name(), sentence(command.get_description()));
  for (const auto* option :
       command.get_options([](const CLI::Option* o) { return !is_help(*o); })) {
    text +=
        fmt::format("| {} | {} | {} | {}{} |\n", code(names_of(*option)), code(value_of(*option)),
                    code(option->get_default_str()), sentence(option->get_description()),
                    option->get_required() ? " (required)" : "");
  }
  // What a command says of itself beside the exit codes, which all of them have.
  if (command.get_footer() != app.get_footer())
    text += fmt::format("\n```text\n{}\n```\n", command.get_footer());
  return text;
}

std::string commands_page(const CLI::App& app) {
  std::string text =
      fmt::format("# Commands\n\n{}\n{}\n\n| command | what it does |\n| --- | --- |\n", kMadeBy,
                  sentence(app.get_footer()));
  for (const auto* command : app.get_subcommands({}))
    text +=
        fmt::format("| `{}` | {} |\n", command->get_name(), sentence(command->get_description()));
  for (const auto* command : app.get_subcommands({})) text += command_section(*command, app);
  return text;
}

std::string methods_page() {
  std::string text = fmt::format(
      "# Parameters of the methods\n\n{}\n`--set NAME=VALUE` sets one, "
      "and so does the table `[set]` of a `--config` file.\n",
      kMadeBy);
  for (const auto& [info, create] : registered_methods()) {
    text += fmt::format(
        "\n## {}\n\n{} ({}). {}.\n\n| name | default | allowed | what it is |\n"
        "| --- | --- | --- | --- |\n",
        info.name, info.summary, info.family, info.paper);
    for (const auto& parameter : create()->parameters())
      text += fmt::format(
          "| {} | {} | {} | {} |\n", code(parameter.name), code(parameter.default_value),
          code(parameter.allowed),
          sentence(parameter.help) +
              (parameter.condition().empty() ? "" : fmt::format(" ({})", parameter.condition())));
  }
  return text;
}

std::string files_page() {
  std::string text = fmt::format("# Files of a run folder\n\n{}", kMadeBy);
  RunFileRole role = RunFileRole::kept;
  const auto heading = [](RunFileRole of) {
    switch (of) {
      case RunFileRole::manifest:
        return "The manifest";
      case RunFileRole::output:
        return "What the run makes";
      case RunFileRole::added:
        return "What later commands add";
      case RunFileRole::folder:
        return "Folders";
      case RunFileRole::kept:
        return "What `--force` leaves";
    }
    return "";
  };
  for (const RunFile& file : run_files()) {
    if (file.role != role)
      text +=
          fmt::format("\n## {}\n\n| file | what it holds |\n| --- | --- |\n", heading(file.role));
    role = file.role;
    text += fmt::format("| `{}` | {} |\n", file.name, file.holds);
  }
  return text;
}

}  // namespace

void add_reference_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "reference", "Write what is known of commands, methods and files as Markdown");
  auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Folder for commands.md, methods.md and files.md")
      ->required();
  command->callback([&app, folder, &session] {
    session.action = [&app, folder] {
      const std::filesystem::path to(*folder);
      create_folder(to);
      write_file(to / "commands.md", commands_page(app));
      write_file(to / "methods.md", methods_page());
      write_file(to / "files.md", files_page());
      return 0;
    };
  });
}

}  // namespace coterie
