#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coterie {

/// What a constraint says of two images: they belong to two clusters, or to one.
enum class Link { cannot, must };

/// Two images, by their ids.
struct ImagePair {
  std::int64_t a = 0;
  std::int64_t b = 0;
  bool operator==(const ImagePair&) const = default;
};

struct Constraint {
  std::int64_t a = 0;
  std::int64_t b = 0;
  Link link = Link::must;
  bool operator==(const Constraint&) const = default;
};

/// Constraints with all that follows from them: must-links join images to groups, and a cannot-link
/// between two images stands between their groups. Nearly constant time for a constraint.
class ConstraintGraph {
 public:
  /// `images`: ids are 0 .. images - 1.
  explicit ConstraintGraph(std::int64_t images);

  /// Takes a constraint. False, and it is not used, where the ones before it say the opposite.
  /// Throws UserError where an id is out of range or both are one image.
  bool add(const Constraint& constraint);

  /// What is known of two images by now, through others too.
  std::optional<Link> between(std::int64_t a, std::int64_t b) const;
  /// The constraints taken from which `between(a, b)` follows, as a chain from a to b; empty where
  /// nothing is known. O(constraints) time.
  std::vector<Constraint> reason(std::int64_t a, std::int64_t b) const;

  const std::vector<Constraint>& taken() const { return taken_; }

 private:
  std::int64_t root(std::int64_t image) const;
  void check(std::int64_t image) const;
  std::vector<Constraint> must_chain(std::int64_t a, std::int64_t b) const;

  mutable std::vector<std::int64_t> parent_;
  std::vector<std::int64_t> size_;
  std::vector<Constraint> taken_;
  std::map<std::int64_t, std::vector<std::size_t>> must_of_;  ///< of an image, places in taken_
  /// Of a group's root: the groups it is kept from, and the constraint (in taken_) that does.
  std::map<std::int64_t, std::map<std::int64_t, std::size_t>> apart_;
};

/// Constraints from a csv with the columns `link` (must or cannot) and `path_a,path_b`, or, where
/// these are absent, `id_a,id_b`. `paths` are those of the data set, row by row. Throws UserError
/// naming line, fault and what is allowed.
std::vector<Constraint> read_constraints(const std::filesystem::path& csv,
                                         const std::vector<std::string>& paths);

/// Constraints as a csv with the columns id_a,id_b,link and, unless `paths` is empty,
/// path_a,path_b.
std::string constraints_csv(const std::vector<Constraint>& constraints,
                            const std::vector<std::string>& paths);

}  // namespace coterie
