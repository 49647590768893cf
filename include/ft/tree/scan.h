#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/file.h"
#include "ft/tree/listing.h"
#include "ft/tree/rules.h"

namespace ft::tree {

/// A tree as it was found.
struct Scanned {
    Listing listing;                      ///< sorted; without what the rules exclude
    std::vector<std::string> unreadable;  ///< one line each, path escaped, at most 1000
    std::vector<std::string>
        mount_points;  ///< directories of other file systems (escaped paths): listed, not entered
    std::uint64_t unreadable_count = 0;
    std::uint64_t vanished = 0;    ///< listed by their directory and gone a moment later
    std::uint64_t hard_links = 0;  ///< names of objects (no directories) that have more than one
};

/// Reads the whole tree below `root`, with at most two directories open at a time. A problem with one object
/// is recorded, not thrown; a root that cannot be read is Error io or permission. Errors: cancelled.
Scanned scan(const os::Directory& root, const Rules& rules, base::Cancellation& cancellation);

}  // namespace ft::tree
