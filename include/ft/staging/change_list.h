#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "ft/base/entry.h"
#include "ft/base/rel_path.h"
#include "ft/staging/names.h"

namespace ft::staging {

enum class ChangeKind : std::uint8_t {
    place,       ///< an object from its slot to a path where nothing is
    replace,     ///< slot and path exchange their objects
    remove,      ///< the object at path goes into the slot
    attributes,  ///< owner, mode and time of the object at path become `after`
};

/// One change of the live tree. A staged directory moves with everything staged below it: one change.
struct Change {
    ChangeKind kind = ChangeKind::place;
    base::RelPath path{};
    SlotNumber slot{0};
    std::uint64_t inode = 0;     ///< staged object's (place, replace), live object's (remove, attributes)
    std::uint64_t replaced = 0;  ///< replace: the live object's inode
    base::Attributes before{};   ///< attributes: as found; replace, remove: of a live directory
    base::Attributes after{};    ///< attributes: as wanted; place, replace: of a staged directory
    bool was_directory = false;  ///< replace, remove: the live object is a directory
    bool is_directory = false;   ///< place, replace: the staged object is a directory
};

/// What a run changes in one tree, for its report; counts single objects, whatever moves with what.
struct ChangeCounts {
    std::uint64_t files = 0;       ///< new or changed regular files
    std::uint64_t others = 0;      ///< new or changed directories, links, devices...
    std::uint64_t removed = 0;     ///< removals (a directory counts once)
    std::uint64_t attributes = 0;  ///< attributes only
    ChangeCounts& operator+=(const ChangeCounts& other) {
        files += other.files;
        others += other.others;
        removed += other.removed;
        attributes += other.attributes;
        return *this;
    }
};

struct ChangeList {
    Generation generation{0};     ///< that holds the slots
    std::vector<Change> changes;  ///< in any order; commit orders them
    ChangeCounts counts;
};

}  // namespace ft::staging
