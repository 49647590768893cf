#include "commit/preview.h"

#include <fmt/format.h>

#include <utility>

#include "commit/apply.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::MoveKind;

constexpr std::size_t kShown = 20;  // lines of each kind

void note(std::vector<std::string>& lines, std::uint64_t& count, const std::string& line) {
    if (++count <= kShown) lines.push_back(line);
}

}  // namespace

Preview::Preview(os::Machine& machine, const std::vector<TreeRoot>& trees) {
    for (const TreeRoot& tree : trees) {
        std::unique_ptr<const os::Directory> root = machine.open_root_to_read(tree.path);
        require_recorded(*root, tree);
        std::unique_ptr<const os::Directory> slots =
            root->open_directory(staging::generation_path(tree.generation));
        trees_.push_back({tree.path, std::move(root), std::move(slots)});
    }
}

void Preview::note_host_name(const std::string& now) {
    note(result_.lost, result_.lost_count,
         fmt::format("the host name: it is {} by now, and stays", base::escape(now)));
}

UndoPreview Preview::of(const OrderedPlan& plan, const base::Timestamp& done) && {
    done_ = done;
    for (const Move& move : plan.moves) look_at(move);
    return std::move(result_);
}

void Preview::look_at(const Move& move) {
    const Tree& tree = trees_[move.tree];
    const os::Directory& root = *tree.root;
    const auto there = root.status(move.path.bytes());
    if (move.kind != MoveKind::place) {
        const std::uint64_t leaving = move.kind == MoveKind::replace ? move.replaced : move.inode;
        const auto kept = tree.slots->status(staging::slot_name(move.slot));
        const auto parent = root.status(move.path.parent().bytes());
        if (!kept || kept->inode != leaving) {
            if (there && there->inode == leaving) return;  // it is back
            return note_lost(move, "it is gone");
        }
        if (!parent || parent->type != os::FileType::directory)
            return note_lost(move, "its directory is gone");
    }
    if (!there) return;
    if (move.kind == MoveKind::remove) return note_changed(shown(move), "is new");
    if (there->inode != move.inode) return note_changed(shown(move), "is another by now");
    // What was moved with its directory was not touched by that; the directory itself was.
    if (there->ctime > done_) note_changed(shown(move), "has changed");
    if (move.time.get()) look_inside(tree, move.path);
}

void Preview::look_inside(const Tree& tree, const base::RelPath& top) {
    // No directory is held open while what is below it is looked at: trees may be deep.
    std::vector<base::RelPath> pending{top};
    while (!pending.empty()) {
        const base::RelPath path = std::move(pending.back());
        pending.pop_back();
        const auto is = tree.root->status(path.bytes());
        if (!is || is->type != os::FileType::directory) continue;
        const auto directory = tree.root->open_directory(path.bytes());
        for (const os::Name& inside : directory->list()) {
            const auto status = directory->status(inside.name);
            if (!status) continue;
            const base::RelPath below = path / inside.name;
            if (status->ctime > done_) note_changed(shown(tree, below), "is new or has changed");
            if (status->type == os::FileType::directory) pending.push_back(below);
        }
    }
}

void Preview::note_lost(const Move& move, std::string_view why) {
    note(result_.lost, result_.lost_count, fmt::format("{}: {}", shown(move), why));
}

void Preview::note_changed(const std::string& shown, std::string_view what) {
    note(result_.changed, result_.changed_count, fmt::format("{}: {}", shown, what));
}

std::string Preview::shown(const Move& move) const { return shown(trees_[move.tree], move.path); }

std::string Preview::shown(const Tree& tree, const base::RelPath& path) {
    return fmt::format("{}/{}", base::escape(tree.path), path.escaped());
}

}  // namespace ft::commit
