#include "commit/apply.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::Change;
using staging::ChangeKind;

/// The inode at a name; nothing when there is no object.
std::optional<std::uint64_t> inode_at(const os::Directory& directory, std::string_view name) {
    const auto status = directory.status(name);
    return status ? std::optional{status->inode} : std::nullopt;
}

bool has(const os::Status& status, const base::Attributes& wanted) {
    base::Attributes found = status.attributes;
    if (status.type == os::FileType::symlink) found.mode = wanted.mode;
    return found == wanted;
}

}  // namespace

/// An operation where it happens: the object's name in the live tree, and its slot.
struct LiveTrees::Target {
    const Tree& tree;
    const Change& change;
    os::Directory& live;
    std::string name;  // in `live`
    std::string slot;  // in the slots

    std::optional<std::uint64_t> at_path() const { return inode_at(live, name); }
    std::optional<std::uint64_t> at_slot() const { return inode_at(*tree.slots, slot); }
    std::string shown() const {
        return change.path.is_root() ? tree.path : fmt::format("{}/{}", tree.path, change.path.escaped());
    }
    [[noreturn]] void refuse(std::string_view why) const {
        throw base::Error{base::ErrorKind::io, fmt::format("{}: {}", shown(), why),
                          "Stop what changes this tree, then migrate again."};
    }
    /// After a change: names can be exchanged between our look and our step.
    void require(std::optional<std::uint64_t> found) const {
        if (found != change.inode) refuse("was exchanged for something else at this very moment");
    }

    void place() const;
    void replace() const;
    void remove() const;
    void set_attributes() const;
    void put_back() const;
    void reset_attributes() const;
};

LiveTrees::LiveTrees(os::Machine& machine, const std::vector<TreeRoot>& trees) {
    for (const TreeRoot& tree : trees) {
        const std::string shown = base::escape(tree.path);
        std::unique_ptr<os::Directory> root = machine.open_root(tree.path);
        if (inode_at(*root, ".") != tree.inode ||
            inode_at(*root, staging::kReservedDirectory) != tree.reserved) {
            throw base::Error{base::ErrorKind::unfit,
                              shown + ": is not the directory that the commit began with"};
        }
        std::unique_ptr<os::Directory> slots =
            root->open_directory(staging::generation_path(tree.generation));
        trees_.push_back({shown, std::move(root), std::move(slots)});
    }
}

LiveTrees::Target LiveTrees::target(const Operation& operation) {
    const Tree& tree = trees_[operation.tree];
    const Change& change = operation.change;
    const base::RelPath parent = change.path.parent();
    if (!held_ || held_tree_ != operation.tree || held_path_ != parent.bytes()) {
        held_ = tree.root->open_directory(parent.bytes());
        held_tree_ = operation.tree;
        held_path_ = parent.bytes();
    }
    return {tree, change, *held_, std::string{change.path.name()}, staging::slot_name(change.slot)};
}

void LiveTrees::apply(const Operation& operation) {
    const Target there = target(operation);
    switch (operation.change.kind) {
        case ChangeKind::place:
            return there.place();
        case ChangeKind::replace:
            return there.replace();
        case ChangeKind::remove:
            return there.remove();
        case ChangeKind::attributes:
            return there.set_attributes();
    }
}

void LiveTrees::reverse(const Operation& operation) {
    // What was not applied needs no way to it: somebody may have barred that.
    if (!is_applied(operation)) return;
    const Target there = target(operation);
    switch (operation.change.kind) {
        case ChangeKind::place:
            return there.live.rename(there.name, *there.tree.slots, there.slot);
        case ChangeKind::replace:
        case ChangeKind::remove:
            return there.put_back();
        case ChangeKind::attributes:
            return there.reset_attributes();
    }
}

bool LiveTrees::is_applied(const Operation& operation) const {
    const Tree& tree = trees_[operation.tree];
    const Change& change = operation.change;
    const auto in_slot = [&] { return inode_at(*tree.slots, staging::slot_name(change.slot)); };
    switch (change.kind) {
        case ChangeKind::place:
        case ChangeKind::attributes:  // if they are the old ones, setting them again does no harm
            return inode_at(*tree.root, change.path.bytes()) == change.inode;
        case ChangeKind::replace:
            return in_slot().value_or(change.inode) != change.inode;
        case ChangeKind::remove:
            return in_slot().has_value();
    }
    return false;
}

void LiveTrees::sync() {
    for (const Tree& tree : trees_) tree.root->sync_file_system();
}

void LiveTrees::Target::place() const {
    const auto found = at_path();
    if (found == change.inode) return;
    if (found) refuse("appeared during the run");
    tree.slots->rename(slot, live, name);
    require(at_path());
}

void LiveTrees::Target::replace() const {
    const auto found = at_path();
    if (found == change.inode) return;
    if (!found) refuse("vanished during the run");
    tree.slots->exchange(slot, live, name);
    require(at_path());
}

void LiveTrees::Target::remove() const {
    const auto found = at_path();
    if (!found) return;  // gone, by us or by somebody else
    if (found == change.inode) {
        live.rename(name, *tree.slots, slot);
        return require(at_slot());
    }
    if (at_slot() != change.inode) refuse("was replaced during the run");
    base::log_warning("{}: appeared during the commit, and stays", shown());
}

void LiveTrees::Target::set_attributes() const {
    const auto status = live.status(name);
    if (!status || status->inode != change.inode) refuse("was replaced during the run");
    if (has(*status, change.after)) return;
    live.set_attributes(name, change.after);
    require(at_path());
}

void LiveTrees::Target::put_back() const {
    const auto found = at_path();
    if (!found) return tree.slots->rename(slot, live, name);
    const bool ours = change.kind == ChangeKind::replace && found == change.inode;
    if (!ours)
        base::log_warning("{}: appeared during the commit, and gives way to what was there before", shown());
    tree.slots->exchange(slot, live, name);
}

void LiveTrees::Target::reset_attributes() const {
    const auto status = live.status(name);
    if (status && !has(*status, change.before)) live.set_attributes(name, change.before);
}

}  // namespace ft::commit
