#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commit/plan.h"

namespace ft::commit {

/// What operations are applied or reversed for.
enum class Way {
    commit,
    roll_back,
    undo,  ///< others may have changed anything since the commit
    redo,  ///< of what an undo has reversed
};

/// The live trees of a plan, open to be changed: the only place in ft that changes them. Every change names
/// its object by a held descriptor of its directory; afterwards it is looked at whether that moved what it
/// meant to.
///
/// Whether an operation is applied is told by its slot, which nobody but root can reach: a `replace` is when
/// the slot holds the replaced object, a `remove` when it holds the removed one, a `place` when it is empty.
class LiveTrees {
public:
    /// `fresh`: no operation was ever applied. Error io or unfit when a root or its slots are missing, or the
    /// root is another directory than the plan's.
    LiveTrees(os::Machine& machine, const std::vector<TreeRoot>& trees, bool fresh = false);

    /// For commit and redo: nothing to do when it is applied already. An Error of any kind: it cannot be
    /// applied to what is there. What a fresh `replace` took is only looked at by require_replaced.
    void apply(const Move& move, Way way);
    /// `extended`: what becomes of its extended attributes; null: they stay.
    void apply(const Setting& setting, const staging::ExtendedChanges::Change* extended, Way way);
    /// For roll_back and undo: nothing to do when it is not applied. What somebody else put in its way
    /// meanwhile goes into the slot, and is named in the log; so is what an undo cannot put back.
    void reverse(const Move& move, Way way);
    void reverse(const Setting& setting, const staging::ExtendedChanges::Change* extended, Way way);
    /// After all moves were applied fresh: each took the object that it meant to, or put back what it met
    /// instead; then Error io as apply. One listing of the slots costs less than a look at each.
    void require_replaced(const staging::Moves& moves);
    /// Before an undo: a redo by this object gives directories the time that they have now, which others may
    /// have moved since the commit; any other redo that of the run.
    void note_times(const staging::Settings& settings);
    /// Makes all that was changed durable.
    void sync();

private:
    struct Tree {
        std::string path;  // escaped
        std::unique_ptr<os::Directory> root;
        std::unique_ptr<os::Directory> slots;
    };
    friend class Target;
    /// The directory that holds `path`, kept for the next call; null where there is none (any more).
    os::Directory* parent(std::uint32_t tree, const base::RelPath& path);
    std::string shown(std::uint32_t tree, const base::RelPath& path) const;
    std::vector<std::uint64_t> in_slots(std::uint32_t tree, std::size_t count) const;
    void set(const Setting& setting, const base::Attributes& from, base::Attributes to,
             const std::string* extended, Way way);

    std::vector<Tree> trees_;
    bool fresh_;
    std::map<std::pair<std::uint32_t, std::uint64_t>, base::Timestamp> times_;  // by tree and inode
    // Operations come directory by directory.
    std::uint32_t held_tree_ = 0;
    std::string held_path_;
    std::unique_ptr<os::Directory> held_;
};

/// Error unfit when `root`, opened by the path of `tree`, is another directory: most likely not mounted.
void require_recorded(const os::Directory& root, const TreeRoot& tree);

/// "SHOWN: WHY": the operation cannot be applied to what is there.
[[noreturn]] void refuse(std::string_view shown, std::string_view why);

}  // namespace ft::commit
