#pragma once

#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::records {

// Directories that runs make for their trees, until one of those runs is committed (its undo removes them) or
// what it staged is discarded. The file `made-roots` of the state directory remembers them from before they
// are made: a run that fails may leave one, with what it staged, to the next. The directory above keeps its
// time, which restore_root_times (staging) sets when this process is killed meanwhile.

/// Makes `path` (absolute) and what is missing on the way; returns those that this run or failed ones before
/// it made for `path`, outermost first.
std::vector<std::string> make_tree_root(os::Machine& machine, os::Directory& state, const std::string& path);
/// Removes what was made for `path` (for any path, when it is empty), where it is empty.
void remove_tree_roots(os::Machine& machine, os::Directory& state, const std::string& path = {});
/// A run is committed: they are its own.
void forget_tree_roots(os::Directory& state);

}  // namespace ft::records
