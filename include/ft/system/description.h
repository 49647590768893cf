#pragma once

#include <map>
#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::system {

struct TreeDescription {
    std::string name;                  ///< [A-Za-z0-9._-], 1 to 64 bytes; a module's name on the wire
    std::string path;                  ///< absolute, normalised, not yet below --root
    std::vector<std::string> exclude;  ///< patterns (tree::Rules)
};

struct DatabaseDescription {
    std::string name;
    std::map<std::string, std::string>
        connection;       ///< libpq keywords but dbname ("host", "port", "user", ...)
    std::string os_user;  ///< who connects; empty: as we are
};

/// `system.json` as values: what the system is made of.
struct Description {
    std::string name;
    std::string state_dir = "/var/lib/ft";
    std::vector<DatabaseDescription> databases;
    std::vector<TreeDescription> trees;
    std::string root = "/";  ///< --root: every path lies below it

    /// An absolute path of the description, below the root: "/data" -> "/srv/test/data".
    std::string below_root(const std::string& path) const;
    /// libpq's keywords and values for `database` with `dbname`; a socket directory ("host" that begins with
    /// '/') is looked for below the root first, and taken as written where there is none.
    std::map<std::string, std::string> connection(os::Machine& machine, const DatabaseDescription& database,
                                                  const std::string& dbname) const;
};

/// Reads and checks `file` (JSON with // and /* */ comments; not placed below `root`). Error usage with all
/// findings as details, each with line and key: unknown key, wrong type, missing key, duplicate tree or
/// database, relative path, trees that overlap, state_dir above a tree, patterns that say nothing...
Description load(os::Machine& machine, const std::string& file, const std::string& root);

/// As load, of a text; `shown` names it in findings.
Description parse_description(const std::string& text, const std::string& shown, const std::string& root);

}  // namespace ft::system
