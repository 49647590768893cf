#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"

namespace ft::database {

/// The files of a dump (pg_dump's directory format): regular ones only, one level deep.

std::uint64_t dump_bytes(const os::Directory& dump);
/// xxh128 of each file, hex. Error corrupt for anything that is no regular file.
std::map<std::string, std::string> digests(const os::Directory& dump, base::Cancellation& cancellation);
/// Makes the dump that of system user `os_user` (empty: nothing to do), who alone may enter it.
void give_to(os::Machine& machine, os::Directory& dump, const std::string& os_user);

}  // namespace ft::database
