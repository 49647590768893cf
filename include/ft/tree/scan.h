#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/rel_path.h"
#include "ft/os/file.h"
#include "ft/tree/listing.h"
#include "ft/tree/rules.h"

namespace ft::tree {

/// Objects of a tree whose ctime is later than a moment: what was changed, made or renamed since; a directory
/// is changed when something in it is made or removed. Not the root, nor a root of what is mounted: ft itself
/// works there.
struct ChangedSince {
    std::uint64_t objects = 0;
    std::vector<std::string> examples;  ///< the first of these, paths escaped, at most 3
};

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
    ChangedSince changed;                       ///< since the moment that was asked for
};

struct ScanOptions {
    std::optional<base::Timestamp> changed_since{};
    /// Mount points that are part of the tree: entered. One that none is, is recorded as unreadable.
    std::vector<base::RelPath> mounts{};
    /// Reads ACLs and extended attributes.
    bool extended = true;
    /// Hears of each entry while the scan goes on, in the listing's order: all of it but `pinned` and
    /// `linked` is settled. `first`, when the object has several names: position of the first that was met,
    /// maybe its own. It must not throw io or permission, which would pass for an object that cannot be
    /// read; other errors end the scan.
    std::function<void(const Item&, std::optional<std::size_t> first)> on_entry{};
};

/// Reads the whole tree below `root`, with the groups of its hard links, with at most two directories open at
/// a time. A problem with one object is recorded, not thrown; a root that cannot be read is Error io or
/// permission. Errors: cancelled.
Scanned scan(const os::Directory& root, const Rules& rules, base::Cancellation& cancellation,
             const ScanOptions& options = {});

}  // namespace ft::tree
