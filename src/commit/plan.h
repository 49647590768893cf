#pragma once

#include "commit/operation.h"
#include "ft/commit/commit.h"
#include "ft/os/machine.h"

namespace ft::commit {

/// Brings a plan into order and completes it by the attributes of every live directory in which a name
/// changes. No operation depends on another: what lies below a removed or replaced object has none of its
/// own. Errors: io.
OrderedPlan order(os::Machine& machine, const Plan& plan);

}  // namespace ft::commit
