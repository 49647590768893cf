#pragma once

#include "commit/apply.h"
#include "commit/journal.h"
#include "ft/commit/commit.h"

namespace ft::commit {

/// From an open phase to its end: the one way that commit, undo and the recovery of either take. Error
/// recovery when neither all could be applied nor all reversed; the journal stays. Committed::left is not
/// filled.
Committed settle(os::Machine& machine, os::Directory& state, Journal& journal, LiveTrees& trees,
                 DatabaseSwapper& swapper);

/// What a closed journal says of its run: unchanged (nothing was decided), committed, rolled_back, undone.
base::Outcome outcome_of(const Journal& journal);

}  // namespace ft::commit
