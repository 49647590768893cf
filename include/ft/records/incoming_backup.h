#pragma once

#include "ft/os/file.h"
#include "ft/staging/change_list.h"

namespace ft::records {

/// Moves a backup that is staged whole to its place in `incoming`, and removes the staging. Nobody else looks
/// at this directory: no journal is needed. Killed on the way, keep_incoming_backup goes on.
void place_backup(os::Directory& incoming, const staging::ChangeList& staged);

/// A backup that has come whole, but whose run was not committed, becomes the last one: the best basis for
/// the next. What is only staged waits for the next run.
void keep_incoming_backup(os::Directory& state);

}  // namespace ft::records
