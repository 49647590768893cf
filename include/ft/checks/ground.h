#pragma once

#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::checks {

/// What system.json names so that an unmounted or half-empty tree is not taken for the system's (must_exist,
/// mount_point), and is not so at the source: one finding each, with tree and path.
std::vector<std::string> ground_findings(os::Machine& machine, const system::Description& system,
                                         const system::TreeDescription& tree);

/// The same for file systems that are mounted in the tree as a part of it (`mounts`), on either side.
std::vector<std::string> mount_findings(os::Machine& machine, const system::Description& system,
                                        const system::TreeDescription& tree);

/// Error unfit with both findings of all trees, unless there are none.
void require_ground(os::Machine& machine, const system::Description& system);

}  // namespace ft::checks
