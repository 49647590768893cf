#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/base/outcome.h"
#include "ft/commit/database_swap.h"
#include "ft/os/machine.h"
#include "ft/staging/change_list.h"

namespace ft::commit {

/// What a run changes in one tree.
struct TreeChanges {
    std::string root;  ///< absolute path, bytes
    staging::ChangeList list;
};

struct Plan {
    std::string run_id;
    std::vector<TreeChanges> trees;
    std::vector<DatabaseSwap> swaps;
};

/// Makes the staged changes live. Everything that the plan names must be staged and durable
/// (Staging::finish, Staging::sync).
///
/// Writes the journal into `state` and syncs it, appends COMMIT and syncs: from there on the run can only end
/// as all done. Then applies swaps and changes, syncs every file system, appends DONE. An operation that cannot
/// be applied makes it append ROLLBACK and reverse. Crash at any point: recover() finishes.
/// Returns committed or rolled_back (why: `reason`); Error recovery when neither was possible; any other Error
/// before COMMIT: nothing was changed.
struct Committed {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string reason;  ///< of a roll back
};
Committed commit(os::Machine& machine, os::Directory& state, const Plan& plan, DatabaseSwapper& swapper);

/// What an earlier run left: to be called at each start, before anything looks at trees or databases.
/// No journal, or one without COMMIT: unchanged (staging is not touched). COMMIT: rolls forward, or back when an
/// operation cannot be applied. Repeatable, interruptible anywhere. Error recovery: a person is needed, the
/// message says for what.
struct Recovered {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string run_id;  ///< of the run that was finished or taken back; empty when there was none
};
Recovered recover(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

/// True when a journal with COMMIT waits for recover().
bool needs_recovery(const os::Directory& state);

}  // namespace ft::commit
