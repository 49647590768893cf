#pragma once

#include <optional>
#include <string>

namespace ft::system {

/// An absolute path without "//", "/./" and a slash at its end; nothing when it is not absolute or holds
/// "..", a NUL, or a component above 255 bytes.
std::optional<std::string> normalised(const std::string& path);

/// `path` as seen from `outer` (both normalised): "." for itself, nothing when it does not lie within.
std::optional<std::string> path_within(const std::string& outer, const std::string& path);

}  // namespace ft::system
