#include "coterie/run/comparisons.h"

#include <fmt/format.h>

#include <string>
#include <tuple>
#include <utility>

namespace fs = std::filesystem;

namespace coterie {
namespace {

constexpr const char* kAe = "AE + PAC";

/// The image sets of the AE+DAC paper, or what stands for them.
std::vector<ComparedData> image_sets(const fs::path& folder) {
  const auto at = [&](const char* path) { return (folder / path).native(); };
  return {
      {"Fashion-MNIST", "fashion-mnist", {}, 10},
      {.name = "USPS",
       .input = at("usps/images.npy"),
       .load = {.labels = at("usps/labels.npy")},
       .clusters = 10,
       .start_parameters = {{"epochs", "100"}}},
      {.name = "MNIST", .input = at("mnist"), .clusters = 10, .seeds = 1},
      {.name = "CIFAR-10, JPEG copy",
       .input = at("cifar10-jpeg.tar.xz"),
       .load = {.labels = "folders"},
       .clusters = 10,
       .seeds = 1},
      {.name = "Imagenette",
       .input = at("imagenette96.tar.xz"),
       .load = {.labels = "folders"},
       .clusters = 10,
       .seeds = 1,
       .start_parameters = {{"epochs", "40"}}},
  };
}

/// The autoencoder that all others take: trained until its loss hardly falls.
ComparedMethod autoencoder_row() { return {kAe, "ae", {{"epochs", "30"}}}; }

}  // namespace

Comparison dpac_table2(const fs::path& folder) {
  const auto at = [&](const char* path) { return (folder / path).native(); };
  Comparison table{.name = "table2", .about = "the shallow methods of the DPAC paper"};
  table.methods = {
      {"k-means", "kmeans", {}},
      {"k-means, one start", "kmeans", {{"restarts", "1"}}},
      {"PAM", "pam", {}, {}, false, false},
      {"fuzzy c-means", "fcm", {{"m", "1.1"}}},
      {"fuzzy c-means, one start", "fcm", {{"m", "1.1"}, {"restarts", "1"}}},
      {"spectral", "spectral", {}},
      {"spherical k-means", "kmeans", {{"spherical", "true"}}},
      {"RCC, K found", "rcc", {}, {}, true, false},
      {"FINCH", "finch", {}, {}, false, false},
      {"PAC", "pac", {}},
      {"Ward", "agglomerative", {}, {}, false, false},
      {"NMF", "nmf", {{"shift", "true"}}},
      {"Gaussian mixture", "gmm", {}},
  };
  table.data = {
      {"Pendigits", at("pendigits/pendigits.csv"), {.label_column = "label"}, 10},
      {"MNIST test",
       at("mnist/t10k-images-idx3-ubyte.gz"),
       {.labels = at("mnist/t10k-labels-idx1-ubyte.gz")},
       10},
      {"ISOLET-1", at("isolet1/features.npy"), {.labels = at("isolet1/labels.npy")}, 26},
      {"COIL-20", at("coil20/images.npy"), {.labels = at("coil20/labels.npy")}, 20},
      {"Fashion-MNIST", "fashion-mnist", {}, 10},
  };
  const auto publish = [&](const char* label, const char* pendigits, const char* mnist) {
    table.published[{label, "Pendigits"}] = pendigits;
    table.published[{label, "MNIST test"}] = mnist;
  };
  // The paper's figures are of single runs.
  publish("k-means, one start", "67.0 ± 4.7", "53.0 ± 3.6");
  publish("PAM", "75.6 ± 2.5", "47.2 ± 1.7");
  publish("fuzzy c-means, one start", "70.5 ± 2.1", "56.6 ± 2.6");
  publish("spectral", "62.4 ± 4.2", "54.6 ± 2.2");
  publish("spherical k-means", "71.4 ± 4.4", "53.9 ± 2.7");
  publish("RCC, K found", "79.6 ± 0.0", "65.7 ± 0.0");
  publish("FINCH", "62.7 ± 0.0", "57.9 ± 0.0");
  publish("PAC", "78.0 ± 0.0", "59.7 ± 3.6");
  return table;
}

Comparison ae_dac_table(const fs::path& folder) {
  Comparison table{.name = "ae-dac-table", .about = "the AE+DAC paper's table 2, and AE+OPA"};
  table.published_figures = "ACC / NMI / ARI";
  table.methods = {
      autoencoder_row(),
      {"AE + k-means",
       "ae",
       {{"cluster", "kmeans"}, {"embedding", "plain"}, {"distance", "sqeuclidean"}},
       kAe},
      {"AE + spectral", "ae", {{"cluster", "spectral"}}, kAe},
      {"DEC", "dec", {}, kAe},
      {"IDEC", "idec", {}, kAe},
      {"DAC", "dac", {}},
      {"AE+DAC", "ae-dac", {}, kAe},
      {"AE+OPA", "ae-opa", {}, kAe},
  };
  table.data = image_sets(folder);
  table.published = {
      {{"AE + k-means", "Fashion-MNIST"}, "25.7 / 20.3 / 18.7"},
      {{"DEC", "Fashion-MNIST"}, "65.3 / 60.5 / 58.4"},
      {{"DAC", "Fashion-MNIST"}, "70.5 / 65.4 / 62.4"},
      {{"AE+DAC", "Fashion-MNIST"}, "75.2 / 70.7 / 69.4"},
      {{"AE + k-means", "CIFAR-10, JPEG copy"}, "31.4 / 23.9 / 16.9"},
      {{"DEC", "CIFAR-10, JPEG copy"}, "30.1 / 25.7 / 16.1"},
      {{"DAC", "CIFAR-10, JPEG copy"}, "47.8 / 43.8 / 34.0"},
      {{"AE+DAC", "CIFAR-10, JPEG copy"}, "52.3 / 46.4 / 42.3"},
      // Yan, Lu, Yan (2024), table 5b: ACC alone.
      {{"IDEC", "MNIST"}, "88.1"},
      {{"AE+OPA", "MNIST"}, "95.4"},
  };
  return table;
}

Comparison ae_dac_classes(const fs::path& folder) {
  Comparison table{.name = "ae-dac-classes",
                   .about = "the AE+DAC paper's table 4: ACC against the number of classes"};
  table.methods = {autoencoder_row(), {"DAC", "dac", {}}, {"AE+DAC", "ae-dac", {}, kAe}};
  for (const ComparedData& set : image_sets(folder)) {
    if (set.name == "MNIST" || set.name == "USPS") continue;
    for (int classes = 5; classes <= 10; ++classes) {
      ComparedData part = set;
      part.name = fmt::format("{}, {} classes", set.name, classes);
      part.clusters = part.part.classes = classes;
      part.seeds = 1;
      table.data.push_back(part);
    }
  }
  const auto publish = [&](int classes, const char* dac, const char* ours) {
    const std::string set = fmt::format("CIFAR-10, JPEG copy, {} classes", classes);
    table.published[{"DAC", set}] = dac;
    table.published[{"AE+DAC", set}] = ours;
  };
  publish(5, "49.4", "52.3");
  publish(6, "48.3", "51.1");
  publish(7, "48.1", "51.0");
  publish(8, "47.9", "50.5");
  publish(9, "47.9", "50.3");
  publish(10, "47.8", "50.3");
  return table;
}

Comparison ae_dac_grid(const fs::path& folder) {
  Comparison table{.name = "ae-dac-grid",
                   .about = "the AE+DAC paper's figure 6: weights of its two losses"};
  table.methods = {autoencoder_row()};
  for (int alpha = 1; alpha <= 9; ++alpha)
    for (int beta = 1; beta <= 9; ++beta)
      table.methods.push_back(
          {fmt::format("alpha 0.{} beta 0.{}", alpha, beta),
           "ae-dac",
           {{"alpha", fmt::format("0.{}", alpha)}, {"beta", fmt::format("0.{}", beta)}},
           kAe});
  table.data = image_sets(folder);
  for (ComparedData& set : table.data) set.seeds = 1;
  return table;
}

Comparison ae_dac_readings(const fs::path& folder) {
  Comparison table{.name = "ae-dac-readings", .about = "what AE+DAC's paper leaves open"};
  const auto from = [&](const char* autoencoder, const char* label,
                        std::map<std::string, std::string> parameters) {
    table.methods.push_back({label, "ae-dac", std::move(parameters), autoencoder});
  };
  table.methods.push_back(autoencoder_row());
  from(kAe, "AE+DAC", {});  // all defaults: the run that ae-dac-table shows
  from(kAe, "rate of the thresholds 0.005", {{"rate", "0.005"}});
  from(kAe, "DAC's thresholds", {{"lower", "0.455"}, {"rate", "0.009"}});
  from(kAe, "step size 0.001", {{"learning_rate", "0.001"}});
  from(kAe, "head ends in batch norm", {{"head_end", "norm"}});
  from(kAe, "head ends in its linear layer", {{"head_end", "plain"}});
  from(kAe, "head from k-means", {{"start", "kmeans"}});
  from(kAe, "random head in batch norm and ReLU", {{"start", "random"}, {"head_end", "norm-relu"}});
  from(kAe, "reconstruction as a sum", {{"reconstruction", "sum"}});
  from(kAe, "labels of chunks of 1024 images", {{"label_steps", "4"}});
  from(kAe, "labels of an averaged network", {{"label_momentum", "0.99"}});
  from(kAe, "distorted images, as in DAC", {{"augment", "true"}});
  from(kAe, "no negatives", {{"negatives", "false"}});
  for (const char* epochs : {"5", "60"}) {
    const std::string start = fmt::format("AE of {} epochs", epochs);
    table.methods.push_back({start, "ae", {{"epochs", epochs}}});
    from(start.c_str(), fmt::format("pre-training of {} epochs", epochs).c_str(), {});
  }
  table.methods.push_back(
      {"AE, mean not taken off", "ae", {{"epochs", "30"}, {"centre", "false"}}});
  from("AE, mean not taken off", "mean not taken off", {{"centre", "false"}});
  table.methods.push_back({"AE of 256 values", "ae", {{"epochs", "30"}, {"bottleneck", "0"}}});
  from("AE of 256 values", "code of 256 values", {{"bottleneck", "0"}});
  table.data = {image_sets(folder).front()};
  return table;
}

namespace {

/// What is equal in all rows that train a compact backbone: small batches, as the sets are small.
std::map<std::string, std::string> contrastive_parameters(std::map<std::string, std::string> own) {
  own.insert({{"batch_size", "128"}, {"projector_layers", "3"}});
  return own;
}

std::vector<ComparedData> small_image_sets(const fs::path& folder) {
  const auto at = [&](const char* path) { return (folder / path).native(); };
  return {{.name = "USPS",
           .input = at("usps/images.npy"),
           .load = {.labels = at("usps/labels.npy")},
           .clusters = 10},
          {.name = "MNIST test",
           .input = at("mnist/t10k-images-idx3-ubyte.gz"),
           .load = {.labels = at("mnist/t10k-labels-idx1-ubyte.gz")},
           .clusters = 10},
          {.name = "Fashion-MNIST, first 20000",
           .input = "fashion-mnist",
           .clusters = 10,
           .part = {.images = 20000}},
          {.name = "Imagenette, 64 pixels",
           .input = at("imagenette96.tar.xz"),
           .load = {.labels = "folders", .image_size = 64},
           .clusters = 10,
           .seeds = 1}};
}

constexpr const char* kPretraining = "SimCLR, 20 epochs + PAC";
constexpr const char* kCc = "CC";

}  // namespace

Comparison contrastive(const fs::path& folder) {
  Comparison table{.name = "contrastive",
                   .about =
                       "contrastive methods on a compact backbone: 20 epochs of SimCLR, and 10 "
                       "more of each method"};
  const auto row = [&](const char* label, const char* method, const char* start,
                       std::map<std::string, std::string> parameters) {
    table.methods.push_back({label, method, contrastive_parameters(std::move(parameters)), start});
  };
  constexpr const char* kSimclr = "SimCLR + PAC";
  constexpr const char* kOpa = "DPAC, OPA";
  row(kPretraining, "simclr", "", {{"epochs", "20"}});
  row(kSimclr, "simclr", kPretraining, {{"epochs", "10"}});
  row("SimCLR + k-means", "simclr", kSimclr,
      {{"epochs", "0"}, {"cluster", "kmeans"}, {"embedding", "plain"}});
  row("SimCLR + k-means, whitened", "simclr", kSimclr, {{"epochs", "0"}, {"cluster", "kmeans"}});
  row("MoCo + PAC", "moco", "", {{"epochs", "30"}});
  row(kCc, "cc", kPretraining, {{"epochs", "10"}});
  row(kOpa, "dpac", kPretraining, {{"epochs", "10"}});
  row("DPAC, J_pac", "dpac", kPretraining, {{"epochs", "10"}, {"objective", "jpac"}});
  row("DPAC, OPA, 5 epochs of self-labelling", "dpac", kOpa,
      {{"epochs", "0"}, {"self_label", "true"}, {"label_epochs", "5"}});
  table.data = small_image_sets(folder);
  return table;
}

Comparison dpac_variants(const fs::path& folder) {
  Comparison table{.name = "dpac-variants",
                   .about = "the DPAC paper's tables 5 to 7: parts of it changed"};
  table.methods.push_back({kPretraining, "simclr", contrastive_parameters({{"epochs", "20"}})});
  const auto variant = [&](std::string label, std::map<std::string, std::string> parameters) {
    parameters["epochs"] = "10";
    table.methods.push_back(
        {std::move(label), "dpac", contrastive_parameters(std::move(parameters)), kPretraining});
  };
  variant("DPAC, OPA", {});
  variant("standard contrast", {{"contrast", "standard"}});
  variant("momentum contrast", {{"contrast", "moco"}, {"temperature", "0.2"}});
  variant("balanced", {{"balance", "1"}});
  variant("J_pac, balanced", {{"objective", "jpac"}, {"balance", "1"}});
  variant("random head", {{"start", "random"}});
  variant("random head, balanced", {{"start", "random"}, {"balance", "1"}});
  for (const char* m : {"1.01", "1.04", "1.07", "1.1", "1.13", "1.16", "1.2"})
    variant(fmt::format("m = {}", m), {{"m", m}});
  for (const char* codes : {"kmeans", "fcm", "pac"})
    for (const char* epochs : {"1", "5", "10"})
      variant(fmt::format("{} every {} epochs", codes, epochs),
              {{"objective", codes}, {"codes_every", epochs}});
  table.data = small_image_sets(folder);
  for (ComparedData& set : table.data) set.seeds = 1;
  return table;
}

namespace {

/// A comparison of rows that train from scratch, as the DCSC paper's do.
Comparison from_scratch(
    const char* name, const char* about,
    const std::vector<std::tuple<const char*, const char*, std::map<std::string, std::string>>>&
        rows) {
  Comparison table{.name = name, .about = about};
  for (const auto& [label, method, own] : rows) {
    auto parameters = own;
    parameters.insert({{"batch_size", "128"}, {"epochs", "20"}});
    table.methods.push_back({label, method, std::move(parameters)});
  }
  return table;
}

/// Where parts are left out or changed: one seed.
std::vector<ComparedData> sets_for_parts(const fs::path& folder) {
  std::vector<ComparedData> sets = small_image_sets(folder);
  std::erase_if(sets, [](const ComparedData& set) {
    return set.name != "USPS" && set.input != "fashion-mnist";
  });
  for (ComparedData& set : sets) set.seeds = 1;
  return sets;
}

}  // namespace

Comparison dcsc_table(const fs::path& folder) {
  Comparison table =
      from_scratch("dcsc-table", "the DCSC paper's table 1: CC and DCSC, 20 epochs from scratch",
                   {{"CC", "cc", {}}, {"DCSC", "dcsc", {}}});
  table.data = small_image_sets(folder);
  return table;
}

Comparison dcsc_ablation(const fs::path& folder) {
  Comparison table = from_scratch("dcsc-ablation", "its tables 2 to 4: parts of DCSC left out",
                                  {{"DCSC", "dcsc", {}},
                                   {"without FLC loss", "dcsc", {{"feature_loss", "false"}}},
                                   {"without CLC loss", "dcsc", {{"cluster_loss", "false"}}},
                                   {"without SLC loss", "dcsc", {{"semantic_loss", "false"}}},
                                   {"without batch norm", "dcsc", {{"batch_norm", "false"}}},
                                   {"without Spred", "dcsc", {{"predictor", "false"}}}});
  table.data = sets_for_parts(folder);
  return table;
}

Comparison dcsc_readings(const fs::path& folder) {
  Comparison table =
      from_scratch("dcsc-readings", "what DCSC's paper leaves open",
                   {{"DCSC", "dcsc", {}},
                    {"no over-clustering", "dcsc", {{"over_clustering", "none"}}},
                    {"semantic head of 70", "dcsc", {{"over_clustering", "semantic"}}},
                    {"Jensen-Shannon", "dcsc", {{"similarity", "js"}}},
                    {"Kullback-Leibler", "dcsc", {{"similarity", "kl"}}},
                    {"stop-gradient", "dcsc", {{"stop_gradient", "true"}}},
                    {"temperature of CC", "dcsc", {{"temperature", "0.5"}}}});
  table.data = sets_for_parts(folder);
  return table;
}

Comparison jdce_table(const fs::path& folder) {
  Comparison table{
      .name = "jdce-table",
      .about =
          "the JDCE paper's table III: two steps or joint, from 20 epochs of SimCLR and "
          "10 of CC"};
  const auto row = [&](const char* label, const char* method, const char* start,
                       std::map<std::string, std::string> parameters) {
    table.methods.push_back({label, method, std::move(parameters), start});
  };
  row(kPretraining, "simclr", "", contrastive_parameters({{"epochs", "20"}}));
  row(kCc, "cc", kPretraining, contrastive_parameters({{"epochs", "10"}}));
  row("CC, 20 epochs more", "cc", kCc, contrastive_parameters({{"epochs", "20"}}));
  const auto jdce = [&](const char* label, std::map<std::string, std::string> own) {
    row(label, "jdce", kCc, contrastive_parameters(std::move(own)));
  };
  const auto paper = [&](const char* label, std::map<std::string, std::string> own) {
    own.insert({{"bases", "dropout"},
                {"kept", "diverse"},
                {"contrast", "0"},
                {"earlier", "0"},
                {"epochs", "10"}});
    jdce(label, std::move(own));
  };
  paper("two-step", {{"joint", "false"}});
  paper("joint", {});
  paper("joint, soft", {{"soft", "true"}});
  paper("joint, unit columns", {{"unit_columns", "true"}});
  paper("joint, changed images", {{"augment", "true"}});
  paper("joint, contrast", {{"contrast", "1"}, {"epochs", "4"}});
  jdce("two-step, parts", {{"joint", "false"}, {"epochs", "10"}});
  jdce("joint, parts, changed images",
       {{"contrast", "0"}, {"augment", "true"}, {"earlier", "0"}, {"epochs", "10"}});
  jdce("joint, parts, contrast", {});
  table.data = small_image_sets(folder);
  return table;
}

Comparison adc_table(const fs::path& folder) {
  Comparison table{.name = "adc-table",
                   .about = "the ADC paper's tables 2 and 5: a fifth as many answers as images"};
  table.published_figures = "ACC / NMI / ARI";
  const auto row = [&](const char* label, std::map<std::string, std::string> parameters) {
    parameters["epochs"] = "25";  // a quarter of the paper's, for a CPU
    ComparedMethod method{label, "adc", std::move(parameters)};
    method.oracle = "truth";
    table.methods.push_back(method);
  };
  row("ADC", {});
  row("ADC-random", {{"strategy", "random"}});
  row("ADC-check", {{"strategy", "check"}});
  row("ADC-Uncertain", {{"strategy", "uncertain"}});
  row("ADC-Res", {{"network", "compact"}});
  for (const ComparedData& set : small_image_sets(folder))
    if (set.seeds == 0) table.data.push_back(set);
  table.published = {{{"ADC", "USPS"}, "98.8 / 96.5 / 98.4"},
                     {{"ADC-random", "USPS"}, "95.5 / 89.6 / 92.8"},
                     {{"ADC-Uncertain", "USPS"}, "96.2 / 90.3 / 92.1"}};
  return table;
}

std::vector<Comparison> comparisons(const fs::path& folder) {
  return {dpac_table2(folder),   ae_dac_table(folder),    ae_dac_classes(folder),
          ae_dac_grid(folder),   ae_dac_readings(folder), contrastive(folder),
          dpac_variants(folder), dcsc_table(folder),      dcsc_ablation(folder),
          dcsc_readings(folder), jdce_table(folder),      adc_table(folder)};
}

}  // namespace coterie
