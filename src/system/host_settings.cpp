#include "ft/system/host_settings.h"

#include <string_view>

#include "ft/base/rel_path.h"
#include "system/paths.h"

namespace ft::system {

const std::vector<std::string>& host_setting_paths() {
    static const std::vector<std::string> kPaths{
        // Addresses, gateway, routes.
        "/etc/network/interfaces",
        "/etc/network/interfaces.d",
        "/etc/systemd/network",
        "/etc/netplan",
        "/etc/NetworkManager/system-connections",
        "/etc/sysconfig/network",
        "/etc/sysconfig/network-scripts/ifcfg-*",
        "/etc/sysconfig/network-scripts/route-*",
        "/etc/sysconfig/network-scripts/route6-*",
        "/etc/sysconfig/network-scripts/rule-*",
        "/etc/sysconfig/network-scripts/rule6-*",
        // Name servers.
        "/etc/resolv.conf",
        "/etc/systemd/resolved.conf",
        "/etc/systemd/resolved.conf.d",
        // Time servers.
        "/etc/ntp.conf",
        "/etc/ntpsec",
        "/etc/chrony",
        "/etc/chrony.conf",
        "/etc/chrony.d",
        "/etc/systemd/timesyncd.conf",
        "/etc/systemd/timesyncd.conf.d",
        // Who this machine is.
        "/etc/hostname",
        "/etc/hosts",
        "/etc/mailname",
        "/etc/machine-id",
        "/etc/ssh/ssh_host_*",
        // Its disks.
        "/etc/fstab",
        "/etc/crypttab",
        // Its accounts.
        "/etc/passwd",
        "/etc/passwd-",
        "/etc/shadow",
        "/etc/shadow-",
        "/etc/group",
        "/etc/group-",
        "/etc/gshadow",
        "/etc/gshadow-",
        "/etc/subuid",
        "/etc/subuid-",
        "/etc/subgid",
        "/etc/subgid-",
        // Where its messages go.
        "/etc/rsyslog.conf",
        "/etc/rsyslog.d",
        "/etc/systemd/journal-upload.conf",
        "/etc/systemd/journal-upload.conf.d",
        "/etc/systemd/journal-remote.conf",
        "/etc/systemd/journal-remote.conf.d",
        "/etc/aliases",
        // Where it keeps its own trees.
        "/etc/ft",
    };
    return kPaths;
}

namespace {

void exclude_host_settings(tree::Rules& rules, const std::string& tree_path) {
    for (const std::string& setting : host_setting_paths()) {
        const auto within = path_within(tree_path, setting);
        if (!within || *within == ".") continue;
        if (within->find('*') != std::string::npos) {
            rules.exclude('/' + *within);
        } else {
            rules.exclude_path(base::RelPath{*within});
        }
    }
}

}  // namespace

bool is_host_setting(const std::string& path) {
    if (path == "/") return false;
    tree::Rules rules;
    exclude_host_settings(rules, "/");
    return rules.hides(std::string_view{path}.substr(1), true);
}

tree::Rules rules_of(const Description& system, const TreeDescription& tree,
                     const std::vector<std::string>& more, const std::vector<std::string>& reserved) {
    tree::Rules rules;
    for (const std::string& pattern : tree.exclude) rules.exclude(pattern);
    for (const std::string& pattern : more) rules.exclude(pattern);
    exclude_host_settings(rules, tree.path);
    const auto state = path_within(tree.path, system.state_dir);
    if (state && *state != ".") rules.exclude_path(base::RelPath{*state});
    for (const std::string& path : reserved) rules.exclude_path(base::RelPath{path});
    return rules;
}

}  // namespace ft::system
