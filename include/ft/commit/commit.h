#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/base/outcome.h"
#include "ft/commit/database_swap.h"
#include "ft/os/machine.h"
#include "ft/staging/change_list.h"

namespace ft::commit {

/// What a run changes in one tree.
struct TreeChanges {
    std::string root;  ///< absolute path, bytes
    staging::ChangeList list;
    /// Directories that the run made for it, outermost first, the root last: an undo removes them where they
    /// are empty.
    std::vector<std::string> made{};
};

/// The kernel's name of this machine; what it is after the next start is in its files.
struct HostName {
    std::string before;
    std::string after;
    bool operator==(const HostName&) const = default;
};

struct Plan {
    std::string run_id;
    std::vector<TreeChanges> trees;
    std::vector<DatabaseSwap> swaps;
    std::optional<HostName> host_name{};  ///< nothing: it stays
    bool keep_undo = true;                ///< what is replaced stays until the next commit: ft/commit/undo.h
    /// A commit would do nothing, and neither would its undo.
    bool is_empty() const;
};

/// Called once the outcome (committed, rolled_back, undone) is durable, and before anything is removed: what
/// must follow without fail is written down here. After an undo that was refused and redone: rolled_back.
using Decided = std::function<void(base::Outcome, const std::string& run_id)>;

/// How a commit or an undo ended.
struct Committed {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string reason{};                        ///< of a roll back
    base::ErrorKind kind = base::ErrorKind::io;  ///< of the reason
    std::string advice{};                        ///< of the reason
    std::vector<std::string>
        left{};  ///< what could not be removed yet, one line each; later starts try again
};
/// Makes the staged changes live. Everything that the plan names must be staged and durable
/// (Staging::finish, Staging::sync).
///
/// Removes first what an earlier run should have removed (put_away). Writes the journal into `state` and
/// syncs it, appends COMMIT and syncs: from there on the run can only end as all done. Then applies swaps,
/// host name and changes, syncs every file system, appends DONE. An operation that cannot be applied makes it
/// append ROLLBACK and reverse. Crash at any point: recover() finishes.
///
/// Returns committed: what was replaced is the undo store now and the earlier run's is removed, or without
/// keep_undo both are. Or rolled_back (why: `reason`): what was staged stays in its generation, as
/// bases for the next run (staging::kUnproved), and the earlier run's undo store is as it was. Error recovery
/// when neither was possible (staging and databases must stay as they are); any other Error comes before
/// COMMIT: nothing was changed. `decided` must not throw.
Committed commit(os::Machine& machine, os::Directory& state, Plan plan, DatabaseSwapper& swapper,
                 const Decided& decided = {});

/// What recover() found and finished.
struct Recovered {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string run_id{};  ///< of the run that was finished or taken back; empty when there was none
    bool of_undo =
        false;  ///< what was interrupted was its undo: undone, or rolled_back: redone, as committed
    std::vector<std::string> left{};  ///< as Committed::left
};
/// What an earlier run left: to be called at each start, before anything looks at trees or databases.
/// No journal, or one without COMMIT: unchanged (staging is not touched). COMMIT: rolls forward, or back when
/// an operation cannot be applied. UNDO: goes on to the end, or redoes when an operation cannot be reversed.
/// After the end: gives the journal its place, and removes what is to be removed. Repeatable, interruptible
/// anywhere. Error recovery: a person is needed, the message says for what. Any other Error: nothing was
/// changed. `decided` is called again by each start until the files of the run have their place; when it
/// throws, the next start calls it.
Recovered recover(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper,
                  const Decided& decided = {});

/// True when the system is a mixture that waits for recover(): a commit or an undo is decided and not ended.
/// Error recovery when a journal is damaged, so that nobody knows.
bool is_mixture(const os::Directory& state);

/// Removes what earlier runs replaced and nobody needs, as commit() does before it begins. Error (database,
/// io... as the cause, with advice) when that cannot be done yet: then no commit and no undo can begin.
void put_away(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

/// The run whose replaced, or undone, objects wait to be removed; nothing when there are none. Error recovery
/// when the journal is damaged.
std::optional<std::string> awaits_removal(const os::Directory& state);

/// The generations that what is in `state` needs, in the reserved directory of the tree at `root`; of those
/// whose removal is still due too. Trees are told apart by inodes. Error recovery when a journal is damaged.
std::vector<staging::Generation> kept_generations(const os::Directory& state, const os::Directory& root);

}  // namespace ft::commit
