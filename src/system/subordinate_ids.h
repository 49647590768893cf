#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "system/account_lines.h"

namespace ft::system {

/// Merges subuid, or subgid. `come`: how a line's owner at the source is called in the result, nothing when
/// its lines do not come. `stays`: whether the lines of an owner here do; one of the source's with the same
/// owner takes their place. A range of the source that overlaps one that stays is moved: a line for
/// `warnings`.
std::vector<std::string> merge_ranges(
    const ParsedFile<RangeLine>& source, const ParsedFile<RangeLine>& here,
    const std::function<std::optional<std::string>(const std::string& owner)>& come,
    const std::function<bool(const std::string& owner)>& stays, const char* path,
    std::vector<std::string>& warnings);

}  // namespace ft::system
