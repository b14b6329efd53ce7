#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "console.h"
#include "coterie/core/files.h"
#include "coterie/core/text.h"
#include "coterie/data/pack.h"
#include "coterie/methods/runtime.h"
#include "coterie/run/cluster.h"
#include "coterie/run/nearest_images.h"
#include "results.h"

namespace coterie {
namespace {

struct PackOptions {
  std::string input, out, labels;
  DataOptions data;
};

int pack(const PackOptions& options, Session& session) {
  Console console(session.quiet);
  LoadOptions load = load_options(options.data);
  load.labels = options.labels;
  const Dataset dataset = load_dataset(options.input, load, console, *session.cancel);
  if (!dataset.has_images())
    throw UserError("{} holds features; only images are packed", printable(dataset.source));
  write_pack(options.out, {.shape = dataset.shape,
                           .pixels = dataset.pixels,
                           .paths = dataset.paths,
                           .truth = dataset.truth,
                           .class_names = dataset.class_names,
                           .bad_files = dataset.bad_files,
                           .source = dataset.source,
                           .source_fingerprint = dataset.fingerprint});
  if (session.json) {
    print_json({{"pack", path_to_json(options.out)},
                {"n", dataset.size()},
                {"shape", {dataset.shape.channels, dataset.shape.height, dataset.shape.width}},
                {"bad_files", bad_files_json(dataset.bad_files)},
                {"seconds", steady_seconds() - session.started}});
  } else {
    fmt::print("{}: {} images, {} x {} x {}\n", printable(options.out), dataset.size(),
               dataset.shape.channels, dataset.shape.height, dataset.shape.width);
  }
  return 0;
}

}  // namespace

void add_resume_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("resume", "Continue a stopped run from its last checkpoint");
  auto run = std::make_shared<std::string>();
  auto ending = std::make_shared<RunEnding>();
  command->add_option("RUN", *run, "Run folder")->required();
  add_ending_options(*command, *ending);
  add_common_options(*command, session);
  command->get_option("--threads")
      ->description("Threads to compute with (default: as many as the run was started with)");
  command->callback([run, ending, &session] {
    session.trains_together = true;
    session.action = [run, ending, &session] {
      Console console(session.quiet || process_rank() > 0);
      if (process_rank() > 0) {
        assist_resumed(*run, console, *session.cancel, session.threads);
        return 0;
      }
      return end_run(resume_run(*run, console, *session.cancel, session.threads), *ending, session,
                     console);
    };
  });
}

void add_evaluate_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "evaluate", "Score a finished run, and its snapshots, against ground truth where given");
  auto run = std::make_shared<std::string>();
  auto labels = std::make_shared<std::string>();
  command->add_option("RUN", *run, "Run folder")->required();
  command
      ->add_option("--labels", *labels,
                   "Ground truth: a file, or `folders`; default: that of the run")
      ->type_name("FILE|folders");
  add_common_options(*command, session);
  command->callback([run, labels, &session] {
    session.action = [run, labels, &session] {
      Console console(session.quiet);
      auto metrics = evaluate_run(*run, *labels, console, *session.cancel);
      tell_of_corrections(*run, console);
      metrics["seconds"] = steady_seconds() - session.started;
      if (session.json) {
        print_json(metrics);
      } else {
        fmt::print("{}", summary_text(metrics));
      }
      return 0;
    };
  });
}

void add_nearest_command(CLI::App& app, Session& session) {
  struct NearestOptions {
    std::string run, out = "nearest.png";
    std::int64_t count = 8;
    std::uint64_t seed = 0;
  };
  auto* command = app.add_subcommand(
      "nearest", "Draw an image of each cluster beside those nearest to it, into one png");
  auto options = std::make_shared<NearestOptions>();
  command->add_option("RUN", options->run, "Run folder")->required();
  command->add_option("--out", options->out, "The picture to write")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_option("--count", options->count,
                   "Images of its own cluster, and as many of others; with ground truth those of "
                   "another class have red frames")
      ->check(CLI::Range(1, 100))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Decides which image of each cluster")
      ->check(CLI::NonNegativeNumber)
      ->type_name("S")
      ->capture_default_str();
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] {
      Console console(session.quiet);
      const PngImage picture = nearest_picture(open_run(options->run, console, *session.cancel),
                                               options->count, options->seed, *session.cancel);
      write_file(options->out, encode_png(picture));
      if (session.json) {
        print_json({{"run", path_to_json(options->run)},
                    {"picture", path_to_json(options->out)},
                    {"width", picture.width},
                    {"height", picture.height},
                    {"seconds", steady_seconds() - session.started}});
      } else {
        fmt::print("{}: {} x {} pixels\n", printable(options->out), picture.width, picture.height);
      }
      return 0;
    };
  });
}

void add_pack_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand(
      "pack", "Decode images into one pack file, which other machines take as INPUT");
  auto options = std::make_shared<PackOptions>();
  command->add_option("INPUT", options->input, "As for `coterie cluster`")->required();
  command->add_option("FILE", options->out, "The pack to write, e.g. photos.pack")->required();
  command->add_option("--labels", options->labels, "Ground truth to keep in the pack")
      ->type_name("FILE|folders");
  add_data_options(*command, options->data);
  add_common_options(*command, session);
  command->callback([options, &session] {
    session.action = [options, &session] { return pack(*options, session); };
  });
}

}  // namespace coterie
