#pragma once

#include <string>
#include <vector>

#include "ft/system/description.h"
#include "ft/tree/rules.h"

namespace ft::system {

/// Paths (absolute) that stay a machine's own whatever a tree covers: network addresses and gateway, name and
/// time servers, routes, host name, machine id, SSH host keys, fstab and crypttab, passwords of the system's
/// accounts, syslog forwarding and mail aliases, for the Debian and Red Hat families; and ft's own /etc/ft.
/// A '*' stands for the rest of a name.
const std::vector<std::string>& host_setting_paths();

/// True when the absolute `path` is a host setting or lies in one.
bool is_host_setting(const std::string& path);

/// What of `tree` is not migrated: its own patterns, `more` (the other side's), host settings, state_dir, and
/// the `reserved` paths, relative to its root. Error usage for a pattern that says nothing.
tree::Rules rules_of(const Description& system, const TreeDescription& tree,
                     const std::vector<std::string>& more, const std::vector<std::string>& reserved);

}  // namespace ft::system
