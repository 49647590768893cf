#pragma once

#include <vector>

#include "ft/os/file.h"
#include "ft/staging/staging.h"

namespace ft::staging {

/// Tries in the reserved directory of a ground what a commit will need there and staging alone would not
/// show: owners, modes and times that are read back as they were set, names by their case, changes in a
/// directory of another owner, an exchange. Leaves nothing there but when it is killed: the next staging
/// removes that. Error unfit: a replica would not be exact. Errors permission, io, no_space as the operation
/// fails that is refused.
void require_exact(os::Directory& reserved);
/// Tries there whether objects take extended attributes, each sample on an object of its type. Error unfit
/// (details: one line each, naming `path` of the sample) when some do not, or read back otherwise. Leaves
/// nothing there.
void require_extended(os::Directory& reserved, const std::vector<ExtendedSample>& samples);

}  // namespace ft::staging
