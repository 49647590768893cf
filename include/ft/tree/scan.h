#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"
#include "ft/tree/listing.h"
#include "ft/tree/rules.h"

namespace ft::tree {

/// A tree as it was found.
struct Scanned {
    Listing listing;                      ///< sorted; without what the rules exclude
    std::vector<std::string> unreadable;  ///< one line each, path escaped, at most 1000
    std::vector<std::string>
        mount_points;  ///< where something else is mounted (escaped paths): listed, not entered
    std::uint64_t unreadable_count = 0;
    std::uint64_t vanished = 0;        ///< listed by their directory and gone a moment later
    std::uint64_t linked_outside = 0;  ///< names of objects that have further ones which are not listed
    std::vector<std::string> outside_examples;  ///< the first of these, paths escaped, at most 3
    std::uint64_t changed = 0;  ///< objects below the root whose ctime is later than was asked
    std::vector<std::string> changed_examples;  ///< the first of these, paths escaped, at most 3
};

struct ScanOptions {
    /// Counts what was changed, made or renamed after that moment; a directory is changed when something in
    /// it is made or removed.
    std::optional<base::Timestamp> changed_since{};
    /// Mount points that are part of the tree: entered. One that none is, is recorded as unreadable.
    std::vector<base::RelPath> mounts{};
    /// Reads ACLs and extended attributes.
    bool extended = true;
};

/// Reads the whole tree below `root`, with the groups of its hard links, with at most two directories open at
/// a time. A problem with one object is recorded, not thrown; a root that cannot be read is Error io or
/// permission. Errors: cancelled.
Scanned scan(const os::Directory& root, const Rules& rules, base::Cancellation& cancellation,
             const ScanOptions& options = {});

}  // namespace ft::tree
