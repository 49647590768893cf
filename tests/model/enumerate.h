#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/pair.h"

namespace ft::model {

/// Pairs of trees of up to `objects` objects each below the root (the larger has exactly so many), to a depth
/// of three, no two the same up to the order of names.
///
/// For one and two objects: all kinds at each place, each kind changed and unchanged. For three to five: all
/// structures (at each place nothing, a directory or something else, before and after; the same, with other
/// attributes, with other content). The kinds of what is no directory come in turn, so that each pair of
/// kinds comes at each place; hard-link groups are drawn by `seed` where two names fit. Whether the root's
/// attributes, a database, the machine's name and a second tree change too is drawn for all.
std::vector<Pair> pairs(std::size_t objects, std::uint64_t seed);

}  // namespace ft::model
