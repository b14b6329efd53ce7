#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/report/map_layout.h"
#include "coterie/report/summary.h"

namespace coterie {

/// More than these would make the page slow.
constexpr std::int64_t kMostPoints = 200'000;

/// Numbers of the rows that the map shows, ascending: all of `count`, or `most` of them drawn at
/// random, the same each time.
std::vector<std::int64_t> map_rows(std::int64_t count, std::int64_t most);

/// Names as one text without line breaks within: each on a line of its own, a letter before what
/// differs from the name above it. The letter's code less 48 says how many letters, at most 78, are
/// taken over from that name's begin; these are ASCII.
std::string front_coded(const std::vector<std::string>& names);

/// What the page's script (web/src/report/data.ts) reads of the points, as JSON that may stand
/// within a script element: arrays as base64 of their bytes, little endian. Point p is row rows[p],
/// and its picture has the place p of the tiles in `folder` (empty: there are none).
///
///     images, total            whether rows are images; how many rows the run has
///     positions, labels, confidences, truth, ids    float32 [n, 2], int32, float32, int32, int32
///     [n] clusters, classes, class_colours, matches     K, names, and the class of each cluster or
///     -1 names                    front_coded, as texts that are safe to show tiles folder, width,
///     height (pixels of a cell), columns, each (a file)
///
/// `truth`, `classes` and `class_colours` are absent without ground truth, `ids` where p is the
/// row.
std::string map_payload(const RunSummary& summary, const MapLayout& map,
                        const std::vector<std::int64_t>& rows, std::string_view folder);

}  // namespace coterie
