#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ft/base/entry.h"
#include "ft/base/rel_path.h"
#include "ft/staging/names.h"

namespace ft::staging {

enum class MoveKind : std::uint8_t {
    place,    ///< an object from its slot to a path where nothing is
    replace,  ///< slot and path exchange their objects
    remove,   ///< the object at path goes into the slot
};

// There may be a million changes: neither of the two kinds takes more than kMostBytes beside its path.

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

/// One change of a name in a live tree. A staged directory moves with everything staged below it: one move.
/// None depends on another.
struct Move {
    base::RelPath path{};
    std::uint64_t inode = 0;     ///< staged object's (place, replace), live object's (remove)
    std::uint64_t replaced = 0;  ///< replace: live object's
    SlotNumber slot{0};
    DirectoryTime time{};           ///< of the object `inode`
    DirectoryTime replaced_time{};  ///< of the object `replaced`
    std::uint32_t tree = 0;         ///< which of several trees; staging knows one
    MoveKind kind = MoveKind::place;
    bool operator==(const Move&) const = default;
};

/// What becomes of the extended attributes of live directories (packed: ft/base/extended.h), each change that
/// occurs once: many directories share theirs.
class ExtendedChanges {
public:
    struct Change {
        std::string before;
        std::string after;
        bool operator==(const Change&) const = default;
    };
    /// Its number; 0 when both are equal.
    std::uint32_t add(std::string_view before, std::string_view after);
    /// Null for 0.
    const Change* find(std::uint32_t number) const;
    std::size_t size() const { return changes_.size(); }

private:
    std::vector<Change> changes_;
    std::map<std::pair<std::string, std::string>, std::uint32_t> numbers_;
};

/// Owner, mode and time of a live object, and of a directory its extended attributes.
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
    Values before{};             ///< as found
    Values after{};              ///< as wanted
    std::uint32_t tree = 0;      ///< as Move::tree
    std::uint32_t extended = 0;  ///< number of the change of extended attributes; 0: they stay
    bool operator==(const Setting&) const = default;
};

// A vector that grows to a million holds all twice for a moment, and room for as many more afterwards.
using Moves = std::deque<Move>;
using Settings = std::deque<Setting>;

constexpr std::size_t kMostBytes = 100;
static_assert(sizeof(Move) <= kMostBytes && sizeof(Setting) <= kMostBytes);

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
    Generation generation{0};    ///< that holds the slots
    Moves moves{};               ///< in any order; commit orders them
    Settings settings{};         ///< of objects that stay
    ExtendedChanges extended{};  ///< of the settings
    ChangeCounts counts{};
};

}  // namespace ft::staging
