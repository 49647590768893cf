#pragma once

#include <string>

#include "ft/system/description.h"

namespace ft::system {

/// The host name that `text` holds, without blanks around it. Error unfit when it is none; `where` says where
/// it came from.
std::string require_host_name(const std::string& text, const std::string& where);

/// The public host name from the file (below the root) that `name` names: the value at its pointer in JSON
/// (comments are fine), or the first group of its pattern in the first line that fits; lines above 4096 bytes
/// do not. Errors: unfit, io, permission.
std::string public_hostname_of_file(os::Machine& machine, const Description& system,
                                    const PublicHostname& name);

}  // namespace ft::system
