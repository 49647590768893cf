#include "commit/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_set>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::Change;
using staging::ChangeKind;

/// True when an object on the way to `path` is one of `moved`.
bool is_below(const base::RelPath& path, const std::unordered_set<std::string>& moved) {
    for (base::RelPath above = path.parent(); !above.is_root(); above = above.parent()) {
        if (moved.contains(above.bytes())) return true;
    }
    return false;
}

/// The changes without removals of what is moved away with the directory that holds it.
std::vector<Change> top_changes(const std::vector<Change>& changes) {
    std::unordered_set<std::string> moved;
    for (const Change& change : changes) {
        if (change.kind == ChangeKind::remove || change.kind == ChangeKind::replace)
            moved.insert(change.path.bytes());
    }
    std::vector<Change> result;
    std::copy_if(changes.begin(), changes.end(), std::back_inserter(result), [&](const Change& change) {
        return change.kind != ChangeKind::remove || !is_below(change.path, moved);
    });
    return result;
}

/// The time of a live directory changes with each name in it, so it is set again when the names are right:
/// the directories of `changes` whose attributes these do not set anyway, the root always (the reserved
/// directory goes in the end).
std::set<base::RelPath> touched_directories(const std::vector<Change>& changes) {
    std::set<base::RelPath> touched{base::RelPath{}};
    for (const Change& change : changes) {
        if (change.kind != ChangeKind::attributes) touched.insert(change.path.parent());
    }
    for (const Change& change : changes) {
        if (change.kind == ChangeKind::attributes) touched.erase(change.path);
    }
    return touched;
}

os::Status require_directory(const os::Directory& root, std::string_view path) {
    const auto status = root.status(path);
    if (status && status->type == os::FileType::directory) return *status;
    throw base::Error{base::ErrorKind::io, fmt::format("{}/{}: vanished during the run",
                                                       base::escape(root.path()), base::escape(path))};
}

void add_operations(OrderedPlan& ordered, const os::Directory& root, const staging::ChangeList& list) {
    const std::size_t tree = ordered.trees.size() - 1;
    const std::vector<Change> changes = top_changes(list.changes);
    for (const Change& change : changes) ordered.operations.push_back({tree, change});
    for (const base::RelPath& path : touched_directories(changes)) {
        const os::Status status = require_directory(root, path.bytes());
        ordered.operations.push_back({tree, Change{ChangeKind::attributes, path, staging::SlotNumber{0},
                                                   status.inode, 0, status.attributes, status.attributes}});
    }
}

int phase(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::remove:
            return 0;
        case ChangeKind::place:
        case ChangeKind::replace:
            return 1;
        case ChangeKind::attributes:
            return 2;
    }
    return 2;
}

/// Phase by phase; in it tree by tree, and directory by directory, so that one handle serves many operations;
/// attributes deepest first.
bool comes_before(const Operation& a, const Operation& b) {
    if (phase(a.change.kind) != phase(b.change.kind)) return phase(a.change.kind) < phase(b.change.kind);
    if (a.tree != b.tree) return a.tree < b.tree;
    if (a.change.kind == ChangeKind::attributes) {
        const std::size_t depth_a = a.change.path.depth();
        const std::size_t depth_b = b.change.path.depth();
        if (depth_a != depth_b) return depth_a > depth_b;
    }
    const std::string_view path_a = a.change.path.bytes();
    const std::string_view path_b = b.change.path.bytes();
    const std::string_view parent_a = path_a.substr(0, path_a.rfind('/') + 1);
    const std::string_view parent_b = path_b.substr(0, path_b.rfind('/') + 1);
    return parent_a != parent_b ? parent_a < parent_b : path_a < path_b;
}

}  // namespace

OrderedPlan order(os::Machine& machine, const Plan& plan) {
    OrderedPlan ordered{.run_id = plan.run_id,
                        .trees = {},
                        .swaps = plan.swaps,
                        .operations = {},
                        .host_name = plan.host_name};
    for (const TreeChanges& tree : plan.trees) {
        const std::unique_ptr<const os::Directory> root = machine.open_root_to_read(tree.root);
        const std::uint64_t reserved = require_directory(*root, staging::kReservedDirectory).inode;
        ordered.trees.push_back({tree.root, require_directory(*root, ".").inode, reserved, tree.list.generation});
        add_operations(ordered, *root, tree.list);
    }
    std::sort(ordered.operations.begin(), ordered.operations.end(), comes_before);
    return ordered;
}

}  // namespace ft::commit
