#pragma once

#include <string>

#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::system {

/// A digest of the machine id (etc/machine-id below the root), hex: tells whether two systems have the same
/// one without naming it. Empty when there is none.
std::string machine_digest(os::Machine& machine, const Description& system);

}  // namespace ft::system
