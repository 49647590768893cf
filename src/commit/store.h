#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/commit/commit.h"

namespace ft::commit {

/// What could not be removed yet.
struct Left {
    std::vector<std::string> lines;              ///< one a database or tree; empty: nothing is left
    base::ErrorKind kind = base::ErrorKind::io;  ///< of the first
};

/// Gives the journals of runs that have ended the names of what their objects are kept for, and removes what
/// nobody needs any more: a committed run becomes the undo store, the one before it is discarded; a run that
/// was taken back is forgotten. Repeatable, interruptible anywhere. Errors: recovery (a journal is damaged),
/// internal (one is open).
Left tidy(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

/// As tidy, and gives up the undo store.
Left tidy_with_undo(os::Machine& machine, os::Directory& state, DatabaseSwapper& swapper);

}  // namespace ft::commit
