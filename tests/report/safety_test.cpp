#include <regex>
#include <set>

#include "coterie/core/files.h"
#include "coterie/core/sha256.h"
#include "coterie/core/text.h"
#include "coterie/report/embedded.h"
#include "coterie/run/settings.h"
#include "data/png_reader.h"
#include "report/run_maker.h"
#include "testing.h"

// What a page must never do: run what a file name says, ask for something from elsewhere, break.

namespace coterie {
namespace {

using namespace coterie::testing;

constexpr const char* kHostile = "<img src=x onerror=\"alert('1')\">&{{head}}";
constexpr const char* kEscaped =
    "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;{{head}}";

void write_history(const LoadedRun& run, const std::vector<nlohmann::json>& lines) {
  std::string text;
  for (const auto& line : lines) text += line.dump() + "\n";
  write_file(run.folder.file("history.jsonl"), text);
}

/// Map, embeddings, duplicates and outliers.
void give_all(const LoadedRun& run) {
  give_map(run, spiral(run.dataset.size()));
  give_embeddings(run, spiral(run.dataset.size()), 2);
  const std::string path = csv_field(run.rows[3].path);
  const std::string other = csv_field(run.rows[5].path);
  write_file(run.folder.file("duplicates.csv"), "group,id,path,kind,similarity\n0,3," + path +
                                                    ",near,0.99\n0,5," + other + ",near,0.99\n");
  write_file(run.folder.file("outliers.csv"), "id,path,label,score,rank\n3," + path + ",0,2.5,0\n");
}

/// A run with everything that a page can have but a map, and `text` wherever a text can come from
/// outside.
LoadedRun full_run(const std::filesystem::path& folder, bool images, const std::string& text) {
  const auto labels = even_labels(3, 30);
  LoadedRun run = images ? image_run(folder, labels) : feature_run(folder, labels);
  auto truth = labels;
  truth[1] = 0;
  truth[4] = 2;
  give_truth(run, truth);
  for (std::int64_t i = 0; i < run.dataset.size(); ++i)
    rename_row(run, i, text + std::to_string(i));
  run.dataset.class_names = {text + "a", text + "b", text + "c"};
  run.dataset.bad_files = {{text + ".bad", text + ".cause"}};
  run.dataset.source = "/data/" + text;
  run.manifest["command"] = path_to_json("coterie cluster " + text);
  if (is_utf8(text)) {
    run.manifest["parameters"][text] = text;
    run.manifest["device"] = text;
    run.metrics["statistics"] = {
        {text, text}, {"restarts", {{{"objective", 1.5}, {text, text}}}}, {"chosen_restart", 0}};
    write_history(run, {{{"stage", text}, {"epoch", 1}, {"losses", {{text, 0.5}}}},
                        {{"stage", text}, {"epoch", 2}, {"losses", {{text, 0.25}}}}});
  }
  return run;
}

TEST(ReportSafety, NoTextFromOutsideBecomesMarkup) {
  TemporaryFolder folder;
  for (const bool images : {true, false}) {
    const std::string page = page_of(full_run(folder.path(), images, kHostile));
    EXPECT_EQ(page.find("<img src=x"), std::string::npos);
    EXPECT_EQ(page.find("onerror=\""), std::string::npos);
    const std::string escaped = kEscaped;
    EXPECT_CONTAINS(page, escaped + "17");                               // a row's path
    EXPECT_CONTAINS(page, "<th scope=\"row\">" + escaped + "b</th>");    // a class
    EXPECT_CONTAINS(page, escaped + ".bad");                             // a file left out
    EXPECT_CONTAINS(page, escaped + ".cause");                           // its cause
    EXPECT_CONTAINS(page, "coterie cluster " + escaped);                 // the command
    EXPECT_CONTAINS(page, "<p class=\"source\">/data/" + escaped);       // the source
    EXPECT_CONTAINS(page, "<dt>" + escaped + "</dt><dd>" + escaped);     // a parameter
    EXPECT_CONTAINS(page, "Stage: " + escaped);                          // a stage
    EXPECT_CONTAINS(page, "class=\"chart\"><figcaption>" + escaped);     // a loss
    EXPECT_CONTAINS(page, "<td class=\"number\">" + escaped + "</td>");  // of a restart
    EXPECT_CONTAINS(page, "<title>");
  }
}

/// The digest behind `name` in the page's policy, as hexadecimal digits.
std::string sha256_in(const std::string& page, const std::string& name) {
  const std::size_t hash = page.find(name) + name.size();
  std::string hex;
  for (const char byte : from_base64(page.substr(hash, page.find('\'', hash) - hash)))
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

/// The page without its script, which is ours, and with what the script reads of the run.
std::string without_script(std::string page) {
  const std::size_t begin = page.rfind("<script>");
  return page.erase(begin, page.find("</script>", begin) - begin);
}

TEST(ReportSafety, NoTextFromOutsideBecomesMarkupOfMapAndLists) {
  for (const bool images : {true, false}) {
    TemporaryFolder folder;
    const LoadedRun run = full_run(folder.path(), images, kHostile);
    give_all(run);
    const std::string page = without_script(page_of(run));
    EXPECT_EQ(page.find("<img src=x"), std::string::npos);
    EXPECT_EQ(page.find("onerror=\""), std::string::npos);
    for (const char* id : {"map", "duplicates", "outliers"})
      EXPECT_NE(section_of(page, id), "") << id;
    EXPECT_CONTAINS(section_of(page, "map"), "u003cimg src=x onerror=");
    EXPECT_CONTAINS(section_of(page, "duplicates"), std::string(kEscaped) + "5");
    EXPECT_CONTAINS(section_of(page, "outliers"), std::string(kEscaped) + "3");
  }
}

TEST(ReportSafety, WithAMapItRunsItsOwnScriptAlone) {
  TemporaryFolder folder;
  const LoadedRun run = full_run(folder.path(), true, "plain");
  give_all(run);
  const std::string page = page_of(run);
  const std::size_t begin = page.find("<script>") + 8;
  const std::string script = page.substr(begin, page.find("</script>", begin) - begin);
  EXPECT_EQ(script, embedded::report_js());
  const std::string policy = page.substr(0, page.find("<title>"));
  EXPECT_EQ(sha256_in(policy, "script-src 'sha256-"), sha256_hex(script));
  EXPECT_CONTAINS(policy, "default-src 'none'; img-src data: file: 'self'; script-src 'sha256-");
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  // Another script: what the first one reads, which is not run.
  EXPECT_EQ(page.find("<script>"), page.rfind("<script>"));
  const std::string rest = without_script(page);
  const std::size_t data = rest.find("<script");
  EXPECT_EQ(rest.compare(data, 41, "<script type=\"application/json\" id=\"map-d"), 0);
  EXPECT_EQ(rest.find("<script", data + 1), std::string::npos);
  for (const char* never : {"://", "javascript:", "@import", "url(", "<iframe", " style=\""})
    EXPECT_EQ(rest.find(never), std::string::npos) << never;
}

TEST(ReportSafety, NamesThatAreNoUtf8AreShownByTheirBytes) {
  TemporaryFolder folder;
  const std::string page = page_of(full_run(folder.path(), true, "caf\xe9\n"));
  EXPECT_TRUE(is_utf8(page));
  EXPECT_CONTAINS(page, "alt=\"caf\\xe9\\x0a17\"");
  EXPECT_CONTAINS(page, "coterie cluster caf\\xe9\\x0a");
  EXPECT_CONTAINS(page, "caf\\xe9\\x0a.bad");
}

TEST(ReportSafety, AsksForNothingAndRunsNothing) {
  TemporaryFolder folder;
  for (const bool images : {true, false}) {
    const std::string page = page_of(full_run(folder.path(), images, "plain"));
    for (const char* never : {"://", "<script", "javascript:", "@import", "url(", "<iframe",
                              "<object", "<form", " style=\"", " srcset="})
      EXPECT_EQ(page.find(never), std::string::npos) << never;
    EXPECT_FALSE(std::regex_search(page.substr(0, 20'000), std::regex(" on[a-z]+=")));
    EXPECT_CONTAINS(page, "default-src 'none'; img-src data:; style-src 'sha256-");
    EXPECT_EQ(page.find("unsafe"), std::string::npos);
  }
}

TEST(ReportSafety, ThePolicyLetsTheStyleThrough) {
  TemporaryFolder folder;
  const std::string page = page_of(full_run(folder.path(), true, "plain"));
  const std::size_t begin = page.find("<style>") + 7;
  const std::string style = page.substr(begin, page.find("</style>") - begin);
  EXPECT_EQ(sha256_in(page, "style-src 'sha256-"), sha256_hex(style));
}

/// Every element closed in order, ids once, links to what is there, rows of a table alike.
void expect_well_formed(const std::string& page) {
  const std::set<std::string> empty = {"meta", "link", "img", "!DOCTYPE"};
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::set<std::string> links;
  const std::regex id_pattern(" id=\"([^\"]*)\"");
  const std::regex link_pattern(" (?:href=\"#|aria-labelledby=\")([^\"]*)\"");
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const std::size_t end = page.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const bool closing = page[at + 1] == '/';
    const std::size_t name_begin = at + 1 + (closing ? 1 : 0);
    const std::string name =
        page.substr(name_begin, page.find_first_of(" />", name_begin) - name_begin);
    if (closing) {
      ASSERT_FALSE(open.empty()) << "</" << name << "> closes nothing";
      ASSERT_EQ(open.back(), name) << page.substr(at > 200 ? at - 200 : 0, 220);
      open.pop_back();
      continue;
    }
    if (!empty.contains(name) && page[end - 1] != '/') open.push_back(name);
    if (name == "img") continue;
    const std::string tag = page.substr(at, end - at);
    std::smatch found;
    if (std::regex_search(tag, found, id_pattern)) {
      EXPECT_TRUE(ids.insert(found[1]).second) << "id there twice: " << found[1];
    }
    if (std::regex_search(tag, found, link_pattern)) links.insert(found[1]);
    if (name == "style" || name == "script") at = page.find("</" + name + ">", at) - 1;
  }
  EXPECT_TRUE(open.empty()) << open.back();
  for (const auto& link : links) EXPECT_TRUE(ids.contains(link)) << "nothing there: #" << link;
}

TEST(ReportSafety, IsWellFormed) {
  TemporaryFolder folder;
  expect_well_formed(page_of(full_run(folder.path(), true, kHostile)));
  expect_well_formed(page_of(full_run(folder.path(), false, kHostile)));
  LoadedRun whole = full_run(folder.path(), true, kHostile);
  give_all(whole);
  expect_well_formed(page_of(whole));
  TemporaryFolder other;
  expect_well_formed(page_of(image_run(other.path(), {0, 1})));
  expect_well_formed(page_of(image_run(other.path(), even_labels(150, 2))));
  LoadedRun run = feature_run(other.path(), even_labels(1100, 1));
  give_truth(run, even_labels(2, 550));
  expect_well_formed(page_of(run));
}

}  // namespace
}  // namespace coterie
