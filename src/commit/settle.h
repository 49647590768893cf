#pragma once

#include "commit/apply.h"
#include "commit/journal.h"
#include "ft/commit/commit.h"

namespace ft::commit {

/// From COMMIT, or ROLLBACK, to the end: the one way that a commit and the recovery of a crashed one take.
/// Error recovery when neither all could be applied nor all reversed; the journal stays.
Committed settle(os::Directory& state, Journal& journal, LiveTrees& trees, DatabaseSwapper& swapper);

/// After the end: removes the slots of tree number `tree`, and with them what was replaced, or after a roll
/// back what was staged. Repeatable.
void free_tree(os::Machine& machine, const Journal& journal, std::size_t tree);
/// Drops the databases that were replaced; nothing to do after a roll back. Repeatable.
void free_databases(const Journal& journal, DatabaseSwapper& swapper);
/// Both for all, then removes the journal. What fails is logged, and waits for the next start: no commit is
/// worse for it.
void free_all(os::Machine& machine, os::Directory& state, const Journal& journal, DatabaseSwapper& swapper);

}  // namespace ft::commit
