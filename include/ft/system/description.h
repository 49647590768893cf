#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/rel_path.h"
#include "ft/os/machine.h"

namespace ft::system {

/// A program and its arguments, run without a shell.
using Argv = std::vector<std::string>;

struct TreeDescription {
    std::string name{};                     ///< [A-Za-z0-9._-], 1 to 64 bytes; a module's name on the wire
    std::string path{};                     ///< absolute, normalised, not yet below --root
    std::vector<std::string> exclude{};     ///< patterns (tree::Rules)
    bool mount_point = false;               ///< at the source: a file system must be mounted there
    std::vector<std::string> must_exist{};  ///< at the source: paths in the tree (base::RelPath)
    /// Where in the tree file systems are mounted that are part of it, on this side.
    std::vector<base::RelPath> mounts{};
};

struct DatabaseDescription {
    std::string name{};
    std::map<std::string, std::string>
        connection{};       ///< libpq keywords but dbname ("host", "port", "user", ...)
    std::string os_user{};  ///< who connects; empty: as we are
};

/// Something that uses the trees or databases: stopped while they must not change.
struct ServiceDescription {
    std::string name{};                ///< for people and reports; the unit's where none is given
    std::string unit{};                ///< of systemd; empty: the three commands below
    Argv stop{};                       ///< returns when it has stopped
    Argv start{};                      ///< returns when it serves
    Argv active{};                     ///< status 0: it is active; 1 to 125: it is not
    std::chrono::seconds timeout{90};  ///< for each command
    bool off_in_rehearsal = false;     ///< stays off on the destination after a rehearsal
};

/// Rows that stay the destination's own.
struct KeptRows {
    std::string database{};
    std::string table{};                ///< "table" or "schema.table"; without a schema: public
    std::string key{};                  ///< column
    std::vector<std::string> values{};  ///< of the key, as text
    bool operator==(const KeptRows&) const = default;
};

/// Where the system's public host name stands: exactly one of literal, sql, file.
struct PublicHostname {
    std::string literal{};
    std::string sql{};       ///< a query of one value
    std::string database{};  ///< that answers it; the only one where none is given
    std::string file{};      ///< absolute
    std::string pointer{};   ///< of the value in a JSON file (RFC 6901); or
    std::string pattern{};  ///< regular expression (ECMAScript); its first group, in the first line that fits
};

/// Programs of the admin, by moment; each list in its order.
struct Hooks {
    std::vector<Argv> before_backup{};  ///< at the source, before each backup
    std::vector<Argv> after_restore{};  ///< at the destination: databases restored beside the live ones
    std::vector<Argv> before_commit{};
    std::vector<Argv> after_commit{};
};

/// `system.json` as values: what the system is made of.
struct Description {
    std::string name;
    std::string state_dir = "/var/lib/ft";
    std::vector<DatabaseDescription> databases;
    std::vector<TreeDescription> trees;
    std::vector<ServiceDescription> services;  ///< stopped in this order, started in reverse
    std::vector<std::string> keep_files;       ///< absolute, normalised: stay the destination's own
    std::vector<KeptRows> keep_rows;
    bool accounts = false;  ///< users and groups come across
    std::optional<PublicHostname> public_hostname;
    Hooks hooks;
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

/// What is wrong with a host name (RFC 1123), as the end of a sentence; empty when nothing is.
std::string fault_of_host_name(const std::string& name);

}  // namespace ft::system
