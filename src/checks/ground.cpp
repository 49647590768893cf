#include "ft/checks/ground.h"

#include <fmt/format.h>

#include "ft/base/escape.h"
#include "ft/checks/checks.h"

namespace ft::checks {
namespace {

bool is_mount_point(os::Machine& machine, const std::string& path, std::uint64_t device) {
    if (path == "/") return true;
    const std::size_t slash = path.rfind('/');
    const auto parent = machine.open_root_to_read(slash == 0 ? "/" : path.substr(0, slash));
    return parent->status(".")->device != device;
}

}  // namespace

std::vector<std::string> ground_findings(os::Machine& machine, const system::Description& system,
                                         const system::TreeDescription& tree) {
    std::vector<std::string> findings;
    if (tree.must_exist.empty() && !tree.mount_point) return findings;
    const std::string path = system.below_root(tree.path);
    const auto root = machine.open_root_to_read(path);
    if (tree.mount_point && !is_mount_point(machine, path, root->status(".")->device)) {
        findings.push_back(
            fmt::format("tree {}: {}: no file system is mounted here, which system.json says there must be",
                        tree.name, base::escape(path)));
    }
    for (const std::string& within : tree.must_exist) {
        if (root->status(within)) continue;
        findings.push_back(fmt::format("tree {}: {}: is missing, which system.json says must exist",
                                       tree.name, base::escape(path + '/' + within)));
    }
    return findings;
}

std::vector<std::string> mount_findings(os::Machine& machine, const system::Description& system,
                                        const system::TreeDescription& tree) {
    std::vector<std::string> findings;
    if (tree.mounts.empty()) return findings;
    const std::string path = system.below_root(tree.path);
    const auto root = machine.open_root_to_read(path);
    for (const base::RelPath& mount : tree.mounts) {
        const auto status = root->status(mount.bytes());
        const auto above = root->status(mount.parent().bytes());
        if (status && above && (status->mount_root || status->device != above->device)) continue;
        findings.push_back(fmt::format(
            "tree {}: {}/{}: no file system is mounted here, which system.json says there must be", tree.name,
            base::escape(path), mount.escaped()));
    }
    return findings;
}

void require_ground(os::Machine& machine, const system::Description& system) {
    Checked checked;
    for (const auto& tree : system.trees) {
        const auto findings = ground_findings(machine, system, tree);
        checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
        const auto mounts = mount_findings(machine, system, tree);
        checked.findings.insert(checked.findings.end(), mounts.begin(), mounts.end());
    }
    require_none(checked);
}

}  // namespace ft::checks
