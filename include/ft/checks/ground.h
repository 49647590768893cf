#pragma once

#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::checks {

/// Which side a tree is looked at.
enum class Side { source, destination };

/// What system.json names so that an unmounted or half-empty tree is not taken for the system's, and is not
/// so here: file systems that are mounted in the tree as a part of it (`mounts`), on either side; must_exist
/// and mount_point at the source. One finding each, with tree and path.
std::vector<std::string> ground_findings(os::Machine& machine, const system::Description& system,
                                         const system::TreeDescription& tree, Side side);

/// Error unfit with the findings of all trees at the source, unless there are none.
void require_ground(os::Machine& machine, const system::Description& system);

}  // namespace ft::checks
