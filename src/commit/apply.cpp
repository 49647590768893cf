#include "commit/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "commit/target.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::MoveKind;

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

LiveTrees::LiveTrees(os::Machine& machine, const std::vector<TreeRoot>& trees, bool fresh) : fresh_{fresh} {
    for (const TreeRoot& tree : trees) {
        std::unique_ptr<os::Directory> root = machine.open_root(tree.path);
        require_recorded(*root, tree);
        std::unique_ptr<os::Directory> slots =
            root->open_directory(staging::generation_path(tree.generation));
        trees_.push_back({base::escape(tree.path), std::move(root), std::move(slots)});
    }
}

os::Directory* LiveTrees::parent(std::uint32_t tree, const base::RelPath& path) {
    const base::RelPath parent = path.parent();
    if (!held_ || held_tree_ != tree || held_path_ != parent.bytes()) {
        held_.reset();
        os::Directory& root = *trees_[tree].root;
        const auto status = root.status(parent.bytes());
        if (!status || status->type != os::FileType::directory) return nullptr;
        held_ = root.open_directory(parent.bytes());
        held_tree_ = tree;
        held_path_ = parent.bytes();
    }
    return held_.get();
}

std::string LiveTrees::shown(std::uint32_t tree, const base::RelPath& path) const {
    return path.is_root() ? trees_[tree].path : fmt::format("{}/{}", trees_[tree].path, path.escaped());
}

void LiveTrees::apply(const Move& move, Way way) {
    Target there{*this, move};
    if (way == Way::redo) return there.redo();
    switch (move.kind) {
        case MoveKind::place:
            return there.place(fresh_);
        case MoveKind::replace:
            return there.replace(fresh_);
        default:
            return there.remove(fresh_);
    }
}

void LiveTrees::require_replaced(const staging::Moves& moves) {
    if (!fresh_) return;  // each was looked at
    for (std::uint32_t tree = 0; tree < trees_.size(); ++tree) {
        std::uint64_t last = 0;
        for (const Move& move : moves) {
            if (move.tree == tree && move.kind == MoveKind::replace)
                last = std::max(last, static_cast<std::uint64_t>(move.slot));
        }
        if (last == 0) continue;
        const auto found = in_slots(tree, last + 1);
        for (const Move& move : moves) {
            if (move.tree == tree && move.kind == MoveKind::replace &&
                found[static_cast<std::uint64_t>(move.slot)] != move.replaced)
                Target{*this, move}.require_replaced();
        }
    }
}

/// Inodes by slot, of the first `count`; 0 where there is nothing.
std::vector<std::uint64_t> LiveTrees::in_slots(std::uint32_t tree, std::size_t count) const {
    std::vector<std::uint64_t> inodes(count);
    trees_[tree].slots->for_each_name([&](std::string_view name, std::uint64_t inode) {
        std::size_t slot = 0;
        const char* const end = name.data() + name.size();
        const auto read = std::from_chars(name.data(), end, slot);
        if (read.ec == std::errc{} && read.ptr == end && slot < count) inodes[slot] = inode;
    });
    return inodes;
}

void LiveTrees::reverse(const Move& move, Way way) {
    Target there{*this, move};
    if (move.kind == MoveKind::place) return there.take_away(way);
    there.put_back(way);
}

void LiveTrees::note_times(const staging::Settings& settings) {
    for (const Setting& setting : settings) {
        os::Directory* const live = parent(setting.tree, setting.path);
        const auto status = live != nullptr ? live->status(setting.path.name()) : std::nullopt;
        if (!status || status->inode != setting.inode || status->type != os::FileType::directory) continue;
        if (status->attributes.mtime != Setting::attributes(setting.after).mtime)
            times_[{setting.tree, setting.inode}] = status->attributes.mtime;
    }
}

void LiveTrees::apply(const Setting& setting, const staging::ExtendedChanges::Change* extended, Way way) {
    set(setting, Setting::attributes(setting.before), Setting::attributes(setting.after),
        extended == nullptr ? nullptr : &extended->after, way);
}

void LiveTrees::reverse(const Setting& setting, const staging::ExtendedChanges::Change* extended, Way way) {
    set(setting, Setting::attributes(setting.after), Setting::attributes(setting.before),
        extended == nullptr ? nullptr : &extended->before, way);
}

void LiveTrees::set(const Setting& setting, const base::Attributes& from, base::Attributes to,
                    const std::string* extended, Way way) {
    os::Directory* const live = parent(setting.tree, setting.path);
    const std::string_view name = setting.path.name();
    const auto require = [&](bool right, std::string_view otherwise) {
        if (!right) refuse(shown(setting.tree, setting.path), otherwise);
    };
    const auto status = live != nullptr ? live->status(name) : std::nullopt;
    if (!status || status->inode != setting.inode)
        return require(way != Way::commit, "was replaced during the run");
    // A file that others wrote into since keeps the time of that.
    const bool keeps_time =
        way != Way::commit && status->type == os::FileType::regular && status->attributes.mtime != from.mtime;
    if (keeps_time) to.mtime = status->attributes.mtime;
    if (way == Way::redo) {
        if (const auto noted = times_.find({setting.tree, setting.inode}); noted != times_.end())
            to.mtime = noted->second;
    }
    const bool stay = extended == nullptr || base::fits_extended(*extended, live->extended(name));
    if (stay && has(*status, to)) return;
    if (!stay) {
        // ACL and mode take two steps: between them nobody has a right that is not his before and after.
        base::Attributes between = to;
        between.mode = status->attributes.mode & to.mode;
        if (!has(*status, between)) live->set_attributes(name, between);
        live->set_extended(name, *extended);
    }
    live->set_attributes(name, to);
    require(way != Way::commit || inode_at(*live, name) == setting.inode,
            "was exchanged for something else at this very moment");
}

void LiveTrees::sync() {
    for (const Tree& tree : trees_) tree.root->sync_file_system();
}

void require_recorded(const os::Directory& root, const TreeRoot& tree) {
    if (inode_at(root, ".") == tree.inode && inode_at(root, staging::kReservedDirectory) == tree.reserved)
        return;
    throw base::Error{base::ErrorKind::unfit,
                      base::escape(tree.path) + ": is not the directory that the commit began with"};
}

void refuse(std::string_view shown, std::string_view why) {
    throw base::Error{base::ErrorKind::io, fmt::format("{}: {}", shown, why),
                      "Stop what changes this tree, then migrate again."};
}

}  // namespace ft::commit
