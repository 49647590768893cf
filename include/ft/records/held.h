#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::records {

/// Absolute paths of the directories in which ft stages: each tree's root, each file system that is mounted
/// in it, and /etc, where a run writes host files.
std::vector<std::string> staging_roots(const system::Description& system);

/// What ft holds below one of these, in bytes on disk.
struct Held {
    std::string root;
    std::uint64_t staged = 0;  ///< by failed runs, for the next one
    std::uint64_t kept = 0;    ///< what the last run replaced, for an undo
    std::uint64_t pool = 0;    ///< os::Space::pool
};
/// Only where it holds anything; a directory that cannot be looked at is passed over, and logged.
std::vector<Held> look_at_held(os::Machine& machine, const system::Description& system,
                               const os::Directory& state);

/// Bytes that `path` and all beneath it take on disk.
std::uint64_t bytes_on_disk(const os::Directory& directory, const std::string& path);

}  // namespace ft::records
