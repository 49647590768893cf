#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::database {

/// What a restore has made on a server, written before it makes it: what abandon() has to remove.
///
/// One file a database in the state directory, kRestorePrefix and a digest of its name; lines of text:
///     ft-restore 1
///     database OID             0: about to be made
///     role NAME                escaped
struct Remembered {
    std::uint32_t oid = 0;
    bool database = false;
    std::vector<std::string> roles;
    bool operator==(const Remembered&) const = default;
};

inline constexpr const char* kRestorePrefix = "restore-";

/// Nothing remembered: an empty value. Error recovery for a file that is not as above.
Remembered recall(const os::Directory& state, const std::string& database);
/// Durable on return; an empty value removes the file.
void remember(os::Directory& state, const std::string& database, const Remembered& what);

}  // namespace ft::database
