#pragma once

#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::cli {

/// The whole program: parses `arguments` (without the program's name), does what they say, writes the last
/// message. Returns the exit status (docs/exit-status.md).
int run(os::Machine& machine, const std::vector<std::string>& arguments);

}  // namespace ft::cli
