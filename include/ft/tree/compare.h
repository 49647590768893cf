#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "ft/tree/listing.h"
#include "ft/tree/rules.h"

namespace ft::tree {

/// One difference between what a tree shall be and what it is.
struct Difference {
    enum class Kind {
        same,        ///< nothing to do
        attributes,  ///< same type and content, other owner, mode or time, or (directories) extended ones
        renewed,     ///< no directory, same type and content; extended attributes are, or would be, touched
        content,     ///< two regular files of different size or time: content must be fetched
        added,       ///< nothing of that name is here
        replaced,    ///< another type, link target or device number
        removed,     ///< not wanted: with everything below it
    };
    Kind kind = Kind::same;
    std::optional<std::size_t> wanted;  ///< position in the wanted listing; nothing for removed
    std::optional<std::size_t> live;    ///< position in the live listing; nothing for added
};

/// Reports every wanted entry that `rules` do not hide, in sorted order, and every removal, once for the top
/// of what goes. What lies below a live directory that is replaced by something else, or removed, is not
/// reported; a pinned directory that is not wanted stays, only what in it is not pinned is removed. Both
/// listings are sorted trees (Listing::require_tree); `live` was scanned with the same rules. Error
/// unfit, naming the path, when a pinned directory must give way to something else, when a file system that
/// is part of the tree is mounted where no directory is wanted, or when something is wanted below another
/// mount point.
void compare(const Listing& wanted, const Listing& live, const Rules& rules,
             const std::function<void(const Difference&)>& report);

}  // namespace ft::tree
