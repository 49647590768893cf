#pragma once

#include <cstddef>
#include <string>

namespace ft::system {

/// What is wrong with a name, as the end of a sentence that begins with its key; empty when nothing is.
std::string fault_of_tree_name(const std::string& name);
std::string fault_of_database_name(const std::string& name);

bool has_controls(const std::string& text);

/// Most of each that one system may have.
inline constexpr std::size_t kMostTrees = 256;
inline constexpr std::size_t kMostDatabases = 256;
inline constexpr std::size_t kMostPatterns = 1000;
inline constexpr std::size_t kMostMounts = 100;

}  // namespace ft::system
