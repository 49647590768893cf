#pragma once

#include <vector>

#include "ft/checks/space.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::fetch {

/// What could be freed on which file system, for a run that does not fit. What cannot be looked at is passed
/// over, and logged.
std::vector<checks::Freeable> freeable(os::Machine& machine, const system::Description& system,
                                       const os::Directory& state);

}  // namespace ft::fetch
