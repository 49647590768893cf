#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/commit/commit.h"

namespace ft::commit {

/// A tree of a plan. The inodes tell it from an empty mount point, whatever its device is called today.
struct TreeRoot {
    std::string path;                   ///< absolute, bytes
    std::uint64_t inode = 0;            ///< of the root
    std::uint64_t reserved = 0;         ///< of the reserved directory in it
    staging::Generation generation{0};  ///< that holds its slots
    std::vector<std::string> made{};    ///< TreeChanges::made
};

// There may be a million operations: neither of the two kinds takes more than kMostBytes beside its path.

/// The time of an object that is a directory (some file systems move it when the directory itself moves);
/// nothing for any other object.
class DirectoryTime {
public:
    DirectoryTime() = default;
    explicit DirectoryTime(const base::Timestamp& time)
        : seconds_{time.seconds}, nanoseconds_{time.nanoseconds} {}
    std::optional<base::Timestamp> get() const {
        return nanoseconds_ == kNone ? std::nullopt : std::optional{base::Timestamp{seconds_, nanoseconds_}};
    }
    bool operator==(const DirectoryTime&) const = default;

private:
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
    std::int64_t seconds_ = 0;
    std::uint32_t nanoseconds_ = kNone;
};

/// One change of a name in a live tree. No operation depends on another.
struct Move {
    base::RelPath path{};
    std::uint64_t inode = 0;     ///< staged object's (place, replace), live object's (remove)
    std::uint64_t replaced = 0;  ///< replace: live object's
    staging::SlotNumber slot{0};
    DirectoryTime time{};                                   ///< of the object `inode`
    DirectoryTime replaced_time{};                          ///< of the object `replaced`
    std::uint32_t tree = 0;                                 ///< position in OrderedPlan::trees
    staging::ChangeKind kind = staging::ChangeKind::place;  ///< but attributes
    bool operator==(const Move&) const = default;
};

/// Owner, mode and time of a live object.
struct Setting {
    /// base::Attributes without the gaps.
    struct Values {
        std::int64_t seconds = 0;
        std::uint32_t nanoseconds = 0;
        std::uint32_t mode = 0;
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
        bool operator==(const Values&) const = default;
    };
    static Values values(const base::Attributes& of) {
        return {of.mtime.seconds, of.mtime.nanoseconds, of.mode, of.uid, of.gid};
    }
    static base::Attributes attributes(const Values& of) {
        return {of.mode, of.uid, of.gid, {of.seconds, of.nanoseconds}};
    }

    base::RelPath path{};
    std::uint64_t inode = 0;
    Values before{};
    Values after{};
    std::uint32_t tree = 0;  ///< position in OrderedPlan::trees
    bool operator==(const Setting&) const = default;
};

constexpr std::size_t kMostBytes = 100;
static_assert(sizeof(Move) <= kMostBytes && sizeof(Setting) <= kMostBytes);

/// What a run changes, in the order in which it is applied.
struct OrderedPlan {
    std::string run_id{};
    bool keep_undo = true;
    std::vector<TreeRoot> trees{};
    std::vector<DatabaseSwap> swaps{};
    std::optional<HostName> host_name{};
    std::vector<Move> moves{};
    std::vector<Setting> settings{};  ///< last: each name that changes moves the time of its directory
};

/// Brings a plan into order and completes it by the attributes of every live directory in which a name
/// changes. What lies below a removed or replaced object has no operation of its own. Errors: io.
OrderedPlan order(os::Machine& machine, Plan plan);

}  // namespace ft::commit
