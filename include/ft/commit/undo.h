#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/commit/commit.h"

namespace ft::commit {

/// What the last committed run that changed something replaced, kept so that the run can be taken back.
struct UndoStore {
    struct Tree {
        std::string root;                   ///< absolute path, bytes
        staging::Generation generation{0};  ///< that holds what was replaced
    };
    std::string run_id{};
    std::vector<Tree> trees{};
    std::vector<DatabaseSwap> swaps{};  ///< `previous` holds what was replaced
    bool host_name = false;             ///< the run changed the machine's name
    base::Timestamp done{};             ///< end of the commit; a redone undo does not move it
};

/// Nothing when there is none, when its undo has begun, or when a later commit waits for recover(). Error
/// recovery when its journal is damaged.
std::optional<UndoStore> undo_store(const os::Directory& state);

/// What an undo would find. The first lines of each kind (paths escaped), and how many there are.
struct UndoPreview {
    std::vector<std::string> lost;  ///< what cannot be put back
    std::uint64_t lost_count = 0;
    std::vector<std::string> changed;  ///< what others changed or made since the commit, and would go
    std::uint64_t changed_count = 0;
};

/// Looks at all that an undo would change, and changes nothing. Errors: unfit (there is no undo store; a tree
/// is not the directory that the run changed, perhaps not mounted; a database cannot be swapped back),
/// database (a server cannot be asked), recovery (damage).
UndoPreview preview_undo(os::Machine& machine, const os::Directory& state, DatabaseSwapper& swapper);

/// Takes the last committed run back: appends UNDO and syncs, reverses swaps, host name and changes, syncs
/// every file system, appends UNDONE, removes what the run had brought. What others made since at places
/// that the run changed goes with it. An operation that cannot be reversed makes it append REDO and apply
/// again. Crash at any point: recover() finishes.
///
/// Returns undone, or rolled_back (why: `reason`): the run is as committed as before, and its undo store is
/// there. Errors as preview_undo and put_away before UNDO: nothing was changed; recovery as commit().
Committed undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper,
               const Decided& decided = {});

/// Frees the undo store; returns what could not be removed yet, one line each: later starts try again.
/// Nothing to do where there is none.
std::vector<std::string> discard_undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

}  // namespace ft::commit
