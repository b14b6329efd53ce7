#include "coterie/data/constraints.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <unordered_map>

#include "coterie/core/error.h"
#include "coterie/core/files.h"
#include "coterie/core/params.h"
#include "coterie/core/text.h"
#include "coterie/data/csv.h"

namespace coterie {
namespace {

constexpr const char* kMust = "must";
constexpr const char* kCannot = "cannot";

/// Places of the columns that a constraint file may have.
struct ConstraintColumns {
  std::optional<std::size_t> link, id_a, id_b, path_a, path_b;
  bool by_path() const { return path_a && path_b; }
};

ConstraintColumns constraint_columns(const std::vector<std::string_view>& header, const std::string& name) {
  ConstraintColumns columns;
  const std::vector<std::pair<std::string_view, std::optional<std::size_t>*>> known = {
      {"link", &columns.link},
      {"id_a", &columns.id_a},
      {"id_b", &columns.id_b},
      {"path_a", &columns.path_a},
      {"path_b", &columns.path_b}};
  for (std::size_t i = 0; i < header.size(); ++i)
    for (const auto& [column, place] : known)
      if (header[i] == column) *place = i;
  if (!columns.link || (!columns.by_path() && !(columns.id_a && columns.id_b)))
    throw UserError(
        "{}: its header line must name the columns link and path_a, path_b (or id_a, id_b)", name);
  return columns;
}

}  // namespace

ConstraintGraph::ConstraintGraph(std::int64_t images)
    : parent_(static_cast<std::size_t>(images)), size_(static_cast<std::size_t>(images), 1) {
  std::iota(parent_.begin(), parent_.end(), 0);
}

std::int64_t ConstraintGraph::root(std::int64_t image) const {
  while (parent_[image] != image) image = parent_[image] = parent_[parent_[image]];
  return image;
}

void ConstraintGraph::check(std::int64_t image) const {
  if (image < 0 || image >= static_cast<std::int64_t>(parent_.size()))
    throw UserError("a constraint names image {}: allowed is 0 to {}", image,
                    static_cast<std::int64_t>(parent_.size()) - 1);
}

bool ConstraintGraph::add(const Constraint& constraint) {
  check(constraint.a);
  check(constraint.b);
  if (constraint.a == constraint.b)
    throw UserError("a constraint names image {} twice: it takes two images", constraint.a);
  const auto known = between(constraint.a, constraint.b);
  if (known && *known != constraint.link) return false;
  taken_.push_back(constraint);
  const std::size_t place = taken_.size() - 1;
  std::int64_t a = root(constraint.a);
  std::int64_t b = root(constraint.b);
  if (constraint.link == Link::cannot) {
    apart_[a].emplace(b, place);
    apart_[b].emplace(a, place);
    return true;
  }
  must_of_[constraint.a].push_back(place);
  must_of_[constraint.b].push_back(place);
  if (a == b) return true;
  const auto kept_from = [&](std::int64_t group) {
    const auto found = apart_.find(group);
    return found == apart_.end() ? 0 : found->second.size();
  };
  if (kept_from(a) + static_cast<std::size_t>(size_[a]) <
      kept_from(b) + static_cast<std::size_t>(size_[b]))
    std::swap(a, b);
  parent_[b] = a;
  size_[a] += size_[b];
  if (const auto found = apart_.find(b); found != apart_.end()) {
    for (const auto& [other, why] : found->second) {
      apart_[a].emplace(other, why);
      apart_[other].erase(b);
      apart_[other].emplace(a, why);
    }
    apart_.erase(b);
  }
  return true;
}

std::optional<Link> ConstraintGraph::between(std::int64_t a, std::int64_t b) const {
  check(a);
  check(b);
  const std::int64_t group_a = root(a);
  const std::int64_t group_b = root(b);
  if (group_a == group_b) return Link::must;
  const auto found = apart_.find(group_a);
  if (found != apart_.end() && found->second.contains(group_b)) return Link::cannot;
  return std::nullopt;
}

std::vector<Constraint> ConstraintGraph::must_chain(std::int64_t a, std::int64_t b) const {
  std::unordered_map<std::int64_t, std::size_t> reached_by;  // image: the constraint that led there
  std::deque<std::int64_t> open = {a};
  while (!open.empty() && a != b && !reached_by.contains(b)) {
    const std::int64_t image = open.front();
    open.pop_front();
    const auto links = must_of_.find(image);
    if (links == must_of_.end()) continue;
    for (const std::size_t place : links->second) {
      const Constraint& link = taken_[place];
      const std::int64_t next = link.a == image ? link.b : link.a;
      if (next != a && reached_by.emplace(next, place).second) open.push_back(next);
    }
  }
  std::vector<Constraint> chain;
  for (std::int64_t image = b; image != a;) {
    const Constraint& link = taken_[reached_by.at(image)];
    chain.push_back(link);
    image = link.a == image ? link.b : link.a;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<Constraint> ConstraintGraph::reason(std::int64_t a, std::int64_t b) const {
  const auto known = between(a, b);
  if (!known) return {};
  if (*known == Link::must) return must_chain(a, b);
  const Constraint wall = taken_[apart_.at(root(a)).at(root(b))];
  const bool turned = root(wall.a) != root(a);
  std::vector<Constraint> chain = must_chain(a, turned ? wall.b : wall.a);
  chain.push_back(wall);
  const auto rest = must_chain(turned ? wall.a : wall.b, b);
  chain.insert(chain.end(), rest.begin(), rest.end());
  return chain;
}

std::vector<Constraint> read_constraints(const std::filesystem::path& csv,
                                         const std::vector<std::string>& paths) {
  const std::string text = read_file(csv);
  const std::string name = printable(csv.native());
  CsvReader reader(text, name);
  std::vector<std::string_view> fields;
  if (!reader.next(fields)) throw UserError("{} is empty; its first line names the columns", name);
  const ConstraintColumns columns = constraint_columns(fields, name);
  const std::size_t width = fields.size();
  std::unordered_map<std::string_view, std::int64_t> row_of;
  if (columns.by_path())
    for (std::size_t i = 0; i < paths.size(); ++i)
      row_of.emplace(paths[i], static_cast<std::int64_t>(i));

  std::vector<Constraint> constraints;
  while (reader.next(fields)) {
    const auto where = [&] { return fmt::format("{}, line {}", name, reader.line()); };
    if (fields.size() != width)
      throw UserError("{}: {} fields, the header has {}", where(), fields.size(), width);
    const auto image = [&](std::optional<std::size_t> path, std::optional<std::size_t> id) {
      if (columns.by_path()) {
        const auto found = row_of.find(fields[*path]);
        if (found == row_of.end())
          throw UserError("{}: the data set holds no image '{}'", where(),
                          printable(fields[*path]));
        return found->second;
      }
      const std::int64_t row = parse_integer(where(), std::string(fields[*id]));
      if (row < 0 || row >= static_cast<std::int64_t>(paths.size()))
        throw UserError("{}: image {} is out of range: allowed is 0 to {}", where(), row,
                        static_cast<std::int64_t>(paths.size()) - 1);
      return row;
    };
    Constraint constraint{image(columns.path_a, columns.id_a), image(columns.path_b, columns.id_b)};
    if (constraint.a == constraint.b)
      throw UserError("{}: both images are the same; a constraint takes two", where());
    const std::string_view link = fields[*columns.link];
    if (link != kMust && link != kCannot)
      throw UserError("{}: link is '{}'; allowed is {} or {}", where(), printable(link), kMust,
                      kCannot);
    constraint.link = link == kMust ? Link::must : Link::cannot;
    constraints.push_back(constraint);
  }
  return constraints;
}

std::string constraints_csv(const std::vector<Constraint>& constraints,
                            const std::vector<std::string>& paths) {
  std::string text = paths.empty() ? "id_a,id_b,link\n" : "id_a,id_b,link,path_a,path_b\n";
  for (const auto& [a, b, link] : constraints) {
    text += fmt::format("{},{},{}", a, b, link == Link::must ? kMust : kCannot);
    if (!paths.empty())
      text += fmt::format(",{},{}", csv_field(paths.at(static_cast<std::size_t>(a))),
                          csv_field(paths.at(static_cast<std::size_t>(b))));
    text += '\n';
  }
  return text;
}

}  // namespace coterie
