#pragma once

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
};

/// Makes the staged changes live. Everything that the plan names must be staged and durable
/// (Staging::finish, Staging::sync).
///
/// Writes the journal into `state` and syncs it, appends COMMIT and syncs: from there on the run can only end
/// as all done. Then applies swaps, host name and changes, syncs every file system, appends DONE. An
/// operation that cannot be applied makes it append ROLLBACK and reverse. Crash at any point: recover()
/// finishes. Returns committed or rolled_back (why: `reason`), the replaced or staged objects and the
/// reserved directories removed, and the replaced databases dropped; what of that fails is logged, and the
/// next start tries again. Error recovery when neither was possible (staging and databases must stay as they
/// are); any other Error comes before COMMIT: nothing was changed.
struct Committed {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string reason;                          ///< of a roll back
    base::ErrorKind kind = base::ErrorKind::io;  ///< of the reason
};
Committed commit(os::Machine& machine, os::Directory& state, const Plan& plan, DatabaseSwapper& swapper);

/// What an earlier run left: to be called at each start, before anything looks at trees or databases.
/// No journal, or one without COMMIT: unchanged (staging is not touched). COMMIT: rolls forward, or back when
/// an operation cannot be applied. DONE: removes what could not be removed then, and is committed.
/// Repeatable, interruptible anywhere. Error recovery: a person is needed, the message says for what. Any
/// other Error: nothing was changed.
struct Recovered {
    base::Outcome outcome = base::Outcome::unchanged;
    std::string run_id;  ///< of the run that was finished or taken back; empty when there was none
};
Recovered recover(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

/// True when a journal with COMMIT waits for recover(), or one that is damaged.
bool needs_recovery(const os::Directory& state);

}  // namespace ft::commit
