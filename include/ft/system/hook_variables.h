#pragma once

#include <string>

namespace ft::system {

/// The environment variables that tell a hook of a tree or database: "FT_TREE_" or "FT_DATABASE_" and the
/// name in capitals, with '_' for every byte that is no letter or digit.
std::string tree_variable(const std::string& name);
std::string database_variable(const std::string& name);

}  // namespace ft::system
