#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/os/file.h"
#include "ft/system/description.h"
#include "ft/tree/rules.h"

namespace ft::system {

/// A file or directory that stays a machine's own whatever a tree covers.
struct HostSetting {
    const char* path;   ///< absolute; a '*' stands for a part of the last name
    const char* group;  ///< what it is for people: "DNS servers"
};

/// Those of the Debian and Red Hat families, and ft's own /etc/ft.
const std::vector<HostSetting>& host_settings();

/// True when the absolute `path` is a host setting or lies in one.
bool is_host_setting(const std::string& path);

/// What of `tree` is not migrated: its own patterns, `more` (the other side's), host settings, state_dir, and
/// the `reserved` names at its root, in its mounts and in /etc. Error usage for a pattern that says nothing.
tree::Rules rules_of(const Description& system, const TreeDescription& tree,
                     const std::vector<std::string>& more, const std::vector<std::string>& reserved);

/// Something of the destination that stays as it is.
struct KeptPath {
    std::string path;   ///< absolute, below the system's root
    std::string group;  ///< of a host setting; empty: it is of keep.files
    bool exists = false;
};

/// The destination's host settings and keep.files. `root` is the directory of the system's root: where a
/// link leads to one of them, or one is a link, the links and what they lead to stay too.
std::vector<KeptPath> kept_paths(const os::Directory& root, const Description& system);

/// `path` (absolute) as seen from the root of `tree`: "." for that itself, nothing when it does not lie in
/// it.
std::optional<std::string> path_in_tree(const TreeDescription& tree, const std::string& path);

/// Adds to the rules of `tree` those of `kept` that lie in it.
void keep(tree::Rules& rules, const TreeDescription& tree, const std::vector<KeptPath>& kept);

/// Where `path` (absolute) leads below `root`: the links on the way in their order, and then the object,
/// which need not exist. Nothing but links when they lead in a circle.
std::vector<std::string> follow_links(const os::Directory& root, const std::string& path);

}  // namespace ft::system
