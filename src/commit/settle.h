#pragma once

#include "commit/apply.h"
#include "commit/journal.h"
#include "ft/commit/commit.h"

namespace ft::commit {

/// From COMMIT, or ROLLBACK, to the end: the one way that a commit and the recovery of a crashed one take.
/// Error recovery when neither all could be applied nor all reversed; the journal stays.
Committed settle(os::Machine& machine, os::Directory& state, Journal& journal, LiveTrees& trees,
                 DatabaseSwapper& swapper);

/// After DONE: drops the databases that were replaced; nothing to do in other phases. Repeatable.
void free_databases(const Journal& journal, DatabaseSwapper& swapper);

/// After the end: removes what was replaced, or after a roll back what was staged, and then the journal. What
/// fails is logged and waits for the next start: no commit is worse for it.
void free_all(os::Machine& machine, os::Directory& state, const Journal& journal, DatabaseSwapper& swapper);

}  // namespace ft::commit
