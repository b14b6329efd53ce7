#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <vector>

#include "coterie/core/text.h"
#include "coterie/report/html.h"
#include "coterie/report/line_chart.h"
#include "coterie/report/sections.h"

namespace coterie {
namespace {

using Points = std::vector<std::pair<double, double>>;

/// The numbers of one stage over its epochs.
struct StageCurves {
  std::string name;
  std::vector<std::string> order;  // of the curves, as they came
  // By epoch: after a crash the epochs since the last checkpoint are there again, and count then.
  std::map<std::string, std::map<double, double>> curves;
};

bool is_counter(const std::string& key) {
  constexpr const char* kCounters[] = {"epoch", "epochs", "step", "steps", "seconds", "classes"};
  return std::find(std::begin(kCounters), std::end(kCounters), key) != std::end(kCounters);
}

/// Every number of `record`, those of objects in it included, but what counts epochs and time.
/// `of`: before the names, as scores are of something.
void collect(const nlohmann::json& record, double epoch, StageCurves& stage,
             const std::string& of = "") {
  for (const auto& [key, value] : record.items()) {
    if (value.is_object()) collect(value, epoch, stage, key == "losses" ? of : of + key + " ");
    if (!value.is_number() || is_counter(key)) continue;
    const std::string name = of + key;
    if (!stage.curves.contains(name)) stage.order.push_back(name);
    stage.curves[name][epoch] = value.get<double>();
  }
}

std::vector<StageCurves> stages_of(const std::vector<nlohmann::json>& history) {
  std::vector<StageCurves> stages;
  for (const auto& record : history) {
    const auto name = record.find("stage");
    const auto epoch = record.find("epoch");
    if (name == record.end() || !name->is_string() || epoch == record.end() || !epoch->is_number())
      continue;
    auto stage = std::find_if(stages.begin(), stages.end(),
                              [&](const auto& known) { return known.name == *name; });
    if (stage == stages.end())
      stage = stages.insert(stages.end(), StageCurves{name->get<std::string>(), {}, {}});
    collect(record, epoch->get<double>(), *stage);
  }
  return stages;
}

std::string stage_charts(const StageCurves& stage) {
  std::string charts;
  std::vector<std::string> order = stage.order;
  // What is learned first, how fast after it.
  std::stable_partition(order.begin(), order.end(), [](const std::string& key) {
    return key.find("per_second") == std::string::npos;
  });
  for (const auto& key : order) {
    const auto& curve = stage.curves.at(key);
    // A total of one term is that term.
    const auto is_term = [&](const auto& other) {
      return other.first != key && other.second == curve;
    };
    if (key == "total" && std::any_of(stage.curves.begin(), stage.curves.end(), is_term)) continue;
    charts += line_chart(html_escape(words(key)), "epoch", Points(curve.begin(), curve.end()));
  }
  return fmt::format("<h3>Stage: {}</h3>\n<div class=\"charts\">\n{}</div>\n",
                     html_escape(words(stage.name)), charts);
}

/// A table in a region of this name that scrolls, from the cells of its head and its rows.
std::string scrolled_table(const std::string& name, const std::string& head,
                           const std::string& rows) {
  return fmt::format(
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table "
      "class=\"rows\">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      name, head, rows);
}

std::string restart_table(const nlohmann::json& restarts, std::int64_t chosen) {
  std::vector<std::string> keys;
  for (const auto& restart : restarts)
    for (const auto& [key, value] : restart.items())
      if (value.is_primitive() && std::find(keys.begin(), keys.end(), key) == keys.end())
        keys.push_back(key);
  // What a restart is chosen by stands first.
  std::stable_partition(keys.begin(), keys.end(),
                        [](const auto& key) { return key == "objective" || key == "inertia"; });
  std::string head = "<th scope=\"col\">Restart</th>";
  for (const auto& key : keys)
    head += fmt::format("<th scope=\"col\" class=\"number\">{}</th>", html_escape(words(key)));
  std::string rows;
  for (std::size_t i = 0; i < restarts.size(); ++i) {
    const bool kept = static_cast<std::int64_t>(i) == chosen;
    rows += fmt::format("<tr{}><th scope=\"row\">{}{}</th>", kept ? " class=\"kept\"" : "", i + 1,
                        kept ? " – kept" : "");
    for (const auto& key : keys)
      rows +=
          fmt::format("<td class=\"number\">{}</td>",
                      restarts[i].contains(key) ? html_escape(json_text(restarts[i].at(key))) : "");
    rows += "</tr>\n";
  }
  return "<h3>Restarts</h3>\n" + scrolled_table("Restarts", head, rows);
}

/// Whether a line of history tells of an ensemble, in full.
bool is_ensemble(const nlohmann::json& record) {
  for (const char* key : {"epoch", "passes", "bases_nmi_to_each_other", "consensus_nmi_to_bases"})
    if (!record.contains(key) || !record.at(key).is_number()) return false;
  if (!record.contains("bases") || !record.at("bases").is_object()) return false;
  const auto alpha = record.at("bases").find("alpha");
  return alpha != record.at("bases").end() && alpha->is_array() &&
         std::all_of(alpha->begin(), alpha->end(), [](const auto& a) { return a.is_number(); });
}

/// The ACC among scores; not a number where there is none.
double acc_in(const nlohmann::json& scores) {
  return scores.is_object() && scores.contains("acc") && scores.at("acc").is_number()
             ? scores.at("acc").get<double>()
             : std::nan("");
}

/// The values of an array of numbers in `object`; none where it is anything else.
std::vector<double> numbers_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() ||
      !std::all_of(found->begin(), found->end(), [](const auto& n) { return n.is_number(); }))
    return {};
  return *found;
}

/// The ACC of each base clustering, as far as there are any.
std::vector<double> acc_of_bases(const nlohmann::json& bases) {
  std::vector<double> acc;
  for (const auto& scores : bases.value("scores", nlohmann::json::array()))
    acc.push_back(acc_in(scores));
  return acc;
}

/// Empty where it is not a number.
std::string shown(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{:.3f}", value);
}

/// The i-th of them; empty where it is missing.
std::string shown(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? shown(values[i]) : std::string();
}

/// The cells of a table's head.
std::string head_of(std::initializer_list<const char*> names) {
  std::string head;
  for (const char* name : names) head += fmt::format("<th scope=\"col\">{}</th>", name);
  return head;
}

/// One ensemble in full: its base clusterings, and the loss of the consensus from pass to pass.
std::string ensemble_details(double epoch, const nlohmann::json& bases) {
  const std::vector<double> alpha = bases.at("alpha");
  const std::vector<double> others = numbers_in(bases, "nmi_to_others"),
                            consensus = numbers_in(bases, "nmi_to_consensus"),
                            losses = numbers_in(bases, "losses_of_passes"),
                            acc = acc_of_bases(bases);
  const auto origins = bases.find("origin");
  std::string rows;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const bool known = origins != bases.end() && origins->is_array() && i < origins->size();
    rows += fmt::format("<tr><th scope=\"row\">{}{}</th>", i + 1,
                        known ? ", " + html_escape(json_text((*origins)[i])) : "");
    for (const std::string& cell :
         {shown(alpha, i), shown(others, i), shown(consensus, i), shown(acc, i)})
      rows += fmt::format("<td class=\"number\">{}</td>", cell);
    rows += "</tr>\n";
  }
  Points points;
  for (std::size_t p = 0; p < losses.size(); ++p)
    points.emplace_back(static_cast<double>(p + 1), losses[p]);
  return fmt::format(
      "<details><summary>Ensemble {}</summary>\n{}<div class=\"charts\">\n{}</div></details>\n",
      epoch,
      scrolled_table(fmt::format("Base clusterings of ensemble {}", epoch),
                     head_of({"Base clustering", "Weight (alpha)", "NMI to the others",
                              "NMI to the consensus", "ACC"}),
                     rows),
      points.size() > 1 ? line_chart("loss of the consensus", "pass", points) : "");
}

/// What each ensemble of base clusterings did, where the method made any (see jdce).
std::string ensemble_table(const std::vector<nlohmann::json>& history) {
  // By epoch: after a crash an ensemble may be there again, and counts then.
  std::map<double, nlohmann::json> ensembles;
  for (const auto& record : history)
    if (is_ensemble(record)) ensembles[record.at("epoch").get<double>()] = record;
  if (ensembles.empty()) return {};
  const auto range = [](std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    if (values.empty()) return std::string();
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return shown(*least) + " – " + shown(*most);
  };
  std::string rows, details;
  for (const auto& [epoch, record] : ensembles) {
    const nlohmann::json& bases = record.at("bases");
    details += ensemble_details(epoch, bases);
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", epoch);
    for (const std::string& cell :
         {shown(record.at("bases_nmi_to_each_other")), shown(record.at("consensus_nmi_to_bases")),
          range(bases.at("alpha")), json_text(record.at("passes")), range(acc_of_bases(bases)),
          shown(acc_in(record.value("consensus_scores", nlohmann::json()))),
          shown(acc_in(record.value("head_scores", nlohmann::json())))})
      rows += fmt::format("<td class=\"number\">{}</td>", cell);
    rows += "</tr>\n";
  }
  const std::string head = head_of({"Ensemble", "NMI of bases to each other",
                                    "NMI of consensus to bases", "Weights (alpha)", "Passes",
                                    "ACC of bases", "ACC of consensus", "ACC of head before"});
  return "<h3>Ensembles</h3>\n" + scrolled_table("Ensembles", head, rows) + details;
}

/// The first list of restarts in `statistics`, which a method may keep in an object of its own.
std::string restarts_in(const nlohmann::json& statistics) {
  if (!statistics.is_object()) return {};
  const auto found = statistics.find("restarts");
  if (found != statistics.end() && found->is_array() && !found->empty() &&
      std::all_of(found->begin(), found->end(), [](const auto& r) { return r.is_object(); }))
    return restart_table(*found, statistics.value("chosen_restart", std::int64_t{-1}));
  for (const auto& [key, value] : statistics.items())
    if (const std::string table = restarts_in(value); !table.empty()) return table;
  return {};
}

}  // namespace

std::string training_section(const std::vector<nlohmann::json>& history,
                             const nlohmann::json& statistics) {
  std::string body;
  for (const auto& stage : stages_of(history)) body += stage_charts(stage);
  body += ensemble_table(history);
  body += restarts_in(statistics);
  if (body.empty()) return {};
  return "<section id=\"training\" aria-labelledby=\"training-name\">\n<h2 id=\"training-name\">"
         "Training</h2>\n" +
         body + "</section>\n";
}

}  // namespace coterie
