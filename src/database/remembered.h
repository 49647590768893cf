#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::database {

/// What a restore has made, and on which server, written before it makes it: all that abandon_all() needs to
/// remove it, whatever system.json says by then.
///
/// One file a database in the state directory, kRestorePrefix and a digest of its name; lines of text, all
/// values escaped:
///     ft-restore 1
///     name NAME                of the database that is to be replaced
///     server CONNINFO          without dbname
///     os_user USER             who connects; may be empty
///     database OID             0: about to be made
///     role NAME
struct Remembered {
    std::string name;
    std::string server;
    std::string os_user;
    std::uint32_t oid = 0;
    bool database = false;
    std::vector<std::string> roles;
    bool operator==(const Remembered&) const = default;
};

inline constexpr const char* kRestorePrefix = "restore-";

/// Where a restore of database `name` is remembered.
std::string file_of(const std::string& name);
/// Every such file in `state`, in order.
std::vector<std::string> remembering_files(const os::Directory& state);

/// What `file` remembers. Error recovery for a file that is not as above.
Remembered recall(const os::Directory& state, const std::string& file);
/// Durable on return; neither a database nor roles: the file is removed.
void remember(os::Directory& state, const Remembered& what);

}  // namespace ft::database
