#pragma once

#include <functional>
#include <string>

#include "ft/os/machine.h"

namespace ft::staging {

// The times of tree roots, and of what they are made in: to make or remove a name moves the time of the
// directory that holds it. os::Machine sets back what its own calls move; a note in `notes` keeps the time
// for the next start, should this process end between the two.

/// Does `action`, which makes or removes `directory` (absolute); the one above has its time again after it.
void with_time_above(os::Machine& machine, os::Directory& notes, const std::string& directory,
                     const std::function<void()>& action);
/// Removes the empty directory at `path`, as os::Machine does, with the time above in `notes`.
void remove_root(os::Machine& machine, os::Directory& notes, const std::string& path);
/// Gives directories the times that are noted in `notes`, but for those in which others made or removed
/// something since. A note whose directory is not there stays. What fails is for a later start.
void restore_root_times(os::Machine& machine, os::Directory& notes);

}  // namespace ft::staging
