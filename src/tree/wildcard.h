#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ft::tree {

/// False when a bracket expression has no end.
bool is_well_formed(std::string_view pattern);

/// Shell wildcards against one component, by bytes: * ? [a-z] [!a-z] and \ before a character. Time at most
/// the product of both lengths: the C library's fnmatch takes exponential time for patterns with many stars,
/// and a pattern may come from a peer.
bool matches_name(std::string_view pattern, std::string_view name);

/// `pattern` as components, of which "**" stands for any number of components, at the end for at least one.
bool matches_path(const std::vector<std::string>& pattern, std::string_view path);

}  // namespace ft::tree
