#include "ft/system/host_settings.h"

#include <algorithm>
#include <deque>
#include <string_view>

#include "ft/base/rel_path.h"
#include "system/paths.h"

namespace ft::system {
namespace {

constexpr const char* kAddresses = "network addresses";
constexpr const char* kRoutes = "static routes";
constexpr const char* kDns = "DNS servers";
constexpr const char* kTime = "NTP servers";
constexpr const char* kName = "host name";
constexpr const char* kIdentity = "machine identity";
constexpr const char* kDisks = "disks";
constexpr const char* kAccounts = "accounts";
constexpr const char* kSyslog = "syslog forwarder";
constexpr const char* kMail = "notification address";
constexpr const char* kFt = "ft";

}  // namespace

const std::vector<HostSetting>& host_settings() {
    static const std::vector<HostSetting> kSettings{
        // ifupdown
        {"/etc/network/interfaces", kAddresses},
        {"/etc/network/interfaces.d", kAddresses},
        {"/etc/default/networking", kAddresses},
        // systemd-networkd
        {"/etc/systemd/network", kAddresses},
        {"/etc/systemd/networkd.conf", kAddresses},
        {"/etc/systemd/networkd.conf.d", kAddresses},
        // netplan
        {"/etc/netplan", kAddresses},
        // NetworkManager: its own configuration says which devices and whose DNS servers it looks after.
        {"/etc/NetworkManager/system-connections", kAddresses},
        {"/etc/NetworkManager/NetworkManager.conf", kAddresses},
        {"/etc/NetworkManager/conf.d", kAddresses},
        // Red Hat's network scripts
        {"/etc/sysconfig/network", kAddresses},
        {"/etc/sysconfig/network-scripts/ifcfg-*", kAddresses},
        {"/etc/sysconfig/network-scripts/keys-*", kAddresses},
        {"/etc/sysconfig/network-scripts/route-*", kRoutes},
        {"/etc/sysconfig/network-scripts/route6-*", kRoutes},
        {"/etc/sysconfig/network-scripts/rule-*", kRoutes},
        {"/etc/sysconfig/network-scripts/rule6-*", kRoutes},
        {"/etc/sysconfig/static-routes", kRoutes},
        {"/etc/sysconfig/static-routes-ipv6", kRoutes},
        {"/etc/iproute2/rt_tables", kRoutes},
        {"/etc/iproute2/rt_tables.d", kRoutes},
        // Clients of DHCP and wireless networks; a cloud's agent sets addresses and names at each start.
        {"/etc/dhcp/dhclient*.conf", kAddresses},
        {"/etc/dhclient*.conf", kAddresses},
        {"/etc/dhcpcd.conf", kAddresses},
        {"/etc/wpa_supplicant", kAddresses},
        {"/etc/cloud", kAddresses},
        // Names of interfaces by hardware address
        {"/etc/udev/rules.d/70-persistent-net.rules", kAddresses},
        {"/etc/udev/rules.d/70-persistent-ipoib.rules", kAddresses},

        {"/etc/resolv.conf", kDns},
        {"/etc/systemd/resolved.conf", kDns},
        {"/etc/systemd/resolved.conf.d", kDns},
        {"/etc/resolvconf", kDns},
        {"/etc/resolvconf.conf", kDns},

        {"/etc/chrony", kTime},
        {"/etc/chrony.conf", kTime},
        {"/etc/chrony.d", kTime},
        {"/etc/chrony.keys", kTime},
        {"/etc/ntp.conf", kTime},
        {"/etc/ntp.keys", kTime},
        {"/etc/ntp", kTime},
        {"/etc/ntp.d", kTime},
        {"/etc/ntpsec", kTime},
        {"/etc/openntpd", kTime},
        {"/etc/ntpd.conf", kTime},
        {"/etc/default/ntpdate", kTime},
        {"/etc/default/ntpsec-ntpdate", kTime},
        {"/etc/systemd/timesyncd.conf", kTime},
        {"/etc/systemd/timesyncd.conf.d", kTime},

        {"/etc/hostname", kName},
        {"/etc/hosts", kName},
        {"/etc/mailname", kName},

        {"/etc/machine-id", kIdentity},
        {"/var/lib/dbus/machine-id", kIdentity},
        {"/etc/hostid", kIdentity},
        {"/etc/ssh/ssh_host_*", kIdentity},
        {"/etc/iscsi/initiatorname.iscsi", kIdentity},
        {"/etc/nvme/hostid", kIdentity},
        {"/etc/nvme/hostnqn", kIdentity},

        {"/etc/fstab", kDisks},
        {"/etc/crypttab", kDisks},
        {"/etc/mtab", kDisks},
        {"/etc/mdadm.conf", kDisks},
        {"/etc/mdadm", kDisks},
        {"/etc/lvm/devices", kDisks},
        {"/etc/lvm/backup", kDisks},
        {"/etc/lvm/archive", kDisks},
        {"/etc/zfs/zpool.cache", kDisks},
        {"/etc/initramfs-tools/conf.d/resume", kDisks},
        {"/etc/kernel/cmdline", kDisks},
        {"/etc/default/grub", kDisks},
        {"/etc/default/grub.d", kDisks},

        {"/etc/passwd", kAccounts},
        {"/etc/passwd-", kAccounts},
        {"/etc/shadow", kAccounts},
        {"/etc/shadow-", kAccounts},
        {"/etc/group", kAccounts},
        {"/etc/group-", kAccounts},
        {"/etc/gshadow", kAccounts},
        {"/etc/gshadow-", kAccounts},
        {"/etc/subuid", kAccounts},
        {"/etc/subuid-", kAccounts},
        {"/etc/subgid", kAccounts},
        {"/etc/subgid-", kAccounts},
        {"/etc/.pwd.lock", kAccounts},

        {"/etc/rsyslog.conf", kSyslog},
        {"/etc/rsyslog.d", kSyslog},
        {"/etc/syslog-ng", kSyslog},
        {"/etc/syslog.conf", kSyslog},
        {"/etc/syslog.d", kSyslog},
        {"/etc/systemd/journald.conf", kSyslog},
        {"/etc/systemd/journald.conf.d", kSyslog},
        {"/etc/systemd/journal-upload.conf", kSyslog},
        {"/etc/systemd/journal-upload.conf.d", kSyslog},
        {"/etc/systemd/journal-remote.conf", kSyslog},
        {"/etc/systemd/journal-remote.conf.d", kSyslog},

        {"/etc/aliases", kMail},
        {"/etc/aliases.db", kMail},
        {"/etc/mail/aliases", kMail},
        {"/etc/mail/aliases.db", kMail},
        {"/etc/postfix/aliases", kMail},
        {"/etc/postfix/aliases.db", kMail},
        {"/etc/nullmailer/adminaddr", kMail},
        {"/root/.forward", kMail},

        {"/etc/ft", kFt},
    };
    return kSettings;
}

namespace {

constexpr int kMostLinks = 40;  // as the kernel follows in one path

bool is_pattern(std::string_view path) { return path.find('*') != std::string_view::npos; }

void exclude(tree::Rules& rules, const std::string& tree_path, const std::string& path) {
    const auto within = path_within(tree_path, path);
    if (!within || *within == ".") return;
    if (is_pattern(*within)) {
        rules.exclude('/' + *within);
    } else {
        rules.exclude_path(base::RelPath{*within});
    }
}

void exclude_host_settings(tree::Rules& rules, const std::string& tree_path) {
    for (const HostSetting& setting : host_settings()) exclude(rules, tree_path, setting.path);
}

/// The last names of the absolute `path` that exist, where it is a pattern; else itself.
std::vector<std::string> matches(const os::Directory& root, const std::string& path) {
    if (!is_pattern(path)) return {path};
    const std::string directory = path.substr(0, path.rfind('/'));
    const std::vector<std::string> way = follow_links(root, directory);
    if (way.empty() || way.back() == "/") return {};
    const std::string place = way.back().substr(1);
    const auto status = root.status(place);
    if (!status || status->type != os::FileType::directory) return {};
    tree::Rules rules;
    rules.exclude(path);
    std::vector<std::string> found;
    for (const os::Name& each : root.open_directory(place)->list()) {
        const std::string candidate = directory + '/' + each.name;
        if (rules.excludes(std::string_view{candidate}.substr(1), false)) found.push_back(candidate);
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// The components of `path`, in front of those that are left.
void put_in_front(std::deque<std::string>& left, std::string_view path) {
    auto place = left.begin();
    while (!path.empty()) {
        const std::string_view component = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(component.size() + 1, path.size()));
        if (component.empty() || component == ".") continue;
        place = left.insert(place, std::string{component}) + 1;
    }
}

}  // namespace

std::vector<std::string> follow_links(const os::Directory& root, const std::string& path) {
    std::vector<std::string> way;
    std::deque<std::string> left;
    put_in_front(left, path);
    std::string at;  // free of links
    int links = 0;
    while (!left.empty()) {
        const std::string component = std::move(left.front());
        left.pop_front();
        if (component == "..") {
            at.erase(std::min(at.rfind('/'), at.size()));
            continue;
        }
        const std::string next = at + '/' + component;
        // A link may lead to what is no path at all.
        const bool possible = base::RelPath::fault(std::string_view{next}.substr(1)).empty();
        const auto status = possible ? root.status(next.substr(1)) : std::nullopt;
        if (!possible || (status && status->type == os::FileType::symlink && ++links > kMostLinks))
            return way;
        if (status && status->type == os::FileType::symlink) {
            way.push_back(next);
            const std::string target = root.read_link(next.substr(1));
            if (target.starts_with('/')) at.clear();
            put_in_front(left, target);
        } else {
            at = next;
        }
    }
    way.push_back(at.empty() ? "/" : at);
    return way;
}

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
    for (const std::string& path : reserved) {
        rules.exclude_path(base::RelPath{path});
        exclude(rules, tree.path, "/etc/" + path);  // host files may be staged there
        for (const base::RelPath& mount : tree.mounts) rules.exclude_path(mount / path);
    }
    return rules;
}

std::vector<KeptPath> kept_paths(const os::Directory& root, const Description& system) {
    std::vector<KeptPath> kept;
    const auto add = [&](const std::string& path, const std::string& group) {
        const auto exists = [&](const std::string& at) { return root.status(at.substr(1)).has_value(); };
        std::vector<std::string> all = follow_links(root, path);
        // The path itself too, though it may lead through links.
        if (std::find(all.begin(), all.end(), path) == all.end()) all.insert(all.begin(), path);
        for (const std::string& each : all) {
            const auto same = [&](const KeptPath& other) { return other.path == each; };
            if (each == "/" || std::any_of(kept.begin(), kept.end(), same)) continue;
            kept.push_back({each, group, exists(each)});
        }
    };
    for (const std::string& path : system.keep_files) add(path, "");
    for (const HostSetting& setting : host_settings()) {
        for (const std::string& path : matches(root, setting.path)) add(path, setting.group);
    }
    return kept;
}

std::optional<std::string> path_in_tree(const TreeDescription& tree, const std::string& path) {
    return path_within(tree.path, path);
}

void keep(tree::Rules& rules, const TreeDescription& tree, const std::vector<KeptPath>& kept) {
    for (const KeptPath& each : kept) {
        const auto within = path_within(tree.path, each.path);
        if (within && *within != ".") rules.exclude_path(base::RelPath{*within});
    }
}

}  // namespace ft::system
