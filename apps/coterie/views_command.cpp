#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/methods/view_grid.h"
#include "results.h"

namespace coterie {
namespace {

struct ViewsOptions {
  std::string input, out = "views.png";
  ViewGridOptions grid;
  DataOptions data;
};

int views(const ViewsOptions& options, Session& session) {
  Console console(session.quiet);
  const Dataset dataset =
      load_dataset(options.input, load_options(options.data), console, *session.cancel);
  const PngImage picture = view_grid(dataset.training_data(), options.grid);
  write_file(options.out, encode_png(picture));
  if (session.json) {
    print_json({{"picture", path_to_json(options.out)},
                {"preset", options.grid.preset},
                {"rows", std::min(options.grid.rows, dataset.size())},
                {"columns", options.grid.columns},
                {"seed", options.grid.seed},
                {"width", picture.width},
                {"height", picture.height},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}: {} x {} pixels\n", printable(options.out), picture.width, picture.height);
  }
  return 0;
}

}  // namespace

void add_views_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "views", "Draw images beside random views of them, as methods train on, into one png");
  auto options = std::make_shared<ViewsOptions>();
  command->add_option("INPUT", options->input, "As for `coterie cluster`")->required();
  command->add_option("--out", options->out, "The picture to write (default views.png)")
      ->type_name("FILE");
  command->add_option("--preset", options->grid.preset, "Kind of view (default simclr)")
      ->check(CLI::IsMember(view_preset_names()))
      ->type_name(join(view_preset_names(), "|"));
  command->add_option("--rows", options->grid.rows, "Images, drawn at random (default 8)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_option("--columns", options->grid.columns, "Views of each image (default 8)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_option("--seed", options->grid.seed, "Of all that is random (default 0)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S");
  add_data_options(*command, options->data);
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return views(*options, session); };
  });
}

}  // namespace coterie
