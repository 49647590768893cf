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
                                         const system::TreeDescription& tree, Side side) {
    std::vector<std::string> findings;
    const std::string path = system.below_root(tree.path);
    const auto require = [&](bool right, const std::string& at, std::string_view otherwise) {
        if (!right) findings.push_back(fmt::format("tree {}: {}: {}", tree.name, at, otherwise));
    };
    constexpr std::string_view kNotMounted =
        "no file system is mounted here, which system.json says there must be";
    const bool at_source = side == Side::source;
    if (tree.mounts.empty() && !(at_source && (tree.mount_point || !tree.must_exist.empty())))
        return findings;
    const auto root = machine.open_root_to_read(path);
    const std::string shown = base::escape(path);
    if (at_source && tree.mount_point)
        require(is_mount_point(machine, path, root->status(".")->device), shown, kNotMounted);
    for (const base::RelPath& mount : tree.mounts) {
        const auto status = root->status(mount.bytes());
        const auto above = root->status(mount.parent().bytes());
        require(status && above && (status->mount_root || status->device != above->device),
                shown + '/' + mount.escaped(), kNotMounted);
    }
    if (!at_source) return findings;
    for (const std::string& within : tree.must_exist)
        require(root->status(within).has_value(), base::escape(path + '/' + within),
                "is missing, which system.json says must exist");
    return findings;
}

void require_ground(os::Machine& machine, const system::Description& system) {
    Checked checked;
    for (const auto& tree : system.trees) {
        const auto findings = ground_findings(machine, system, tree, Side::source);
        checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
    }
    require_none(checked);
}

}  // namespace ft::checks
