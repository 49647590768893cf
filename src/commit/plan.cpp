#include "commit/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/staging/names.h"

namespace ft::commit {
namespace {

using staging::Change;
using staging::ChangeKind;

/// The path of the directory that holds `path`, "" for what lies in the root.
std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_removal(const Change& change) { return change.kind == ChangeKind::remove; }

/// Drops removals of what is moved away with the directory that holds it.
void drop_moved_with_others(std::vector<Change>& changes) {
    if (std::none_of(changes.begin(), changes.end(), is_removal)) return;
    std::unordered_set<std::string> moved;
    for (const Change& change : changes) {
        const bool moves = change.kind == ChangeKind::remove || change.kind == ChangeKind::replace;
        if (moves && change.was_directory) moved.insert(change.path.bytes());
    }
    std::erase_if(changes, [&](const Change& change) {
        if (!is_removal(change)) return false;
        for (auto above = parent_of(change.path.bytes()); !above.empty(); above = parent_of(above)) {
            if (moved.contains(std::string{above})) return true;
        }
        return false;
    });
}

os::Status require_directory(const os::Directory& root, std::string_view path) {
    const auto status = root.status(path);
    if (status && status->type == os::FileType::directory) return *status;
    throw base::Error{base::ErrorKind::io, fmt::format("{}/{}: vanished during the run",
                                                       base::escape(root.path()), base::escape(path))};
}

Move move_of(Change& change, std::uint32_t tree) {
    Move move{.path = std::move(change.path),
              .inode = change.inode,
              .replaced = change.replaced,
              .slot = change.slot,
              .tree = tree,
              .kind = change.kind};
    if (change.is_directory) move.time = DirectoryTime{change.after.mtime};
    DirectoryTime& live = change.kind == ChangeKind::remove ? move.time : move.replaced_time;
    if (change.was_directory) live = DirectoryTime{change.before.mtime};
    return move;
}

/// The operations of one tree.
class TreeOperations {
public:
    TreeOperations(OrderedPlan& ordered, const os::Directory& root)
        : ordered_{ordered}, root_{root}, tree_{static_cast<std::uint32_t>(ordered.trees.size() - 1)} {}

    void add(std::vector<Change> changes) {
        drop_moved_with_others(changes);
        // The root always: the reserved directory goes in the end.
        std::set<std::string, std::less<>> touched{""};
        std::string_view last;
        ordered_.moves.reserve(ordered_.moves.size() + changes.size());
        for (Change& change : changes) {
            if (change.kind == ChangeKind::attributes) continue;
            if (change.was_directory) look_again(change);
            const std::string_view parent = parent_of(change.path.bytes());
            if (parent != last) last = *touched.emplace(parent).first;
            ordered_.moves.push_back(move_of(change, tree_));
        }
        for (Change& change : changes) {
            if (change.kind != ChangeKind::attributes) continue;
            touched.erase(change.path.is_root() ? "" : change.path.bytes());
            set(std::move(change.path), change.inode, change.before, change.after);
        }
        for (const std::string& path : touched) {
            const os::Status status = require_directory(root_, path.empty() ? "." : path);
            set(path.empty() ? base::RelPath{} : base::RelPath{path}, status.inode, status.attributes,
                status.attributes);
        }
    }

private:
    /// What is to be put back is the time of now, not that of when it was staged.
    void look_again(Change& change) const {
        const auto now = root_.status(change.path.bytes());
        const bool same = now && now->inode == (is_removal(change) ? change.inode : change.replaced);
        if (same) change.before = now->attributes;
    }
    void set(base::RelPath path, std::uint64_t inode, const base::Attributes& before,
             const base::Attributes& after) {
        ordered_.settings.push_back(
            {std::move(path), inode, Setting::values(before), Setting::values(after), tree_});
    }

    OrderedPlan& ordered_;
    const os::Directory& root_;
    std::uint32_t tree_;
};

/// Removals first; then tree by tree and directory by directory, so that one handle serves many operations.
bool comes_before(const Move& a, const Move& b) {
    const auto rank = [](const Move& move) {
        const std::string_view path = move.path.bytes();
        return std::tuple{move.kind != ChangeKind::remove, move.tree, parent_of(path), path};
    };
    return rank(a) < rank(b);
}

/// Deepest first: who may look into a directory is set after all in it is.
bool is_set_before(const Setting& a, const Setting& b) {
    const auto rank = [](const Setting& setting) {
        const std::string_view path = setting.path.bytes();
        return std::tuple{setting.tree, -static_cast<std::int64_t>(setting.path.depth()), parent_of(path),
                          path};
    };
    return rank(a) < rank(b);
}

}  // namespace

OrderedPlan order(os::Machine& machine, Plan plan) {
    OrderedPlan ordered{.run_id = std::move(plan.run_id),
                        .keep_undo = plan.keep_undo,
                        .swaps = std::move(plan.swaps),
                        .host_name = std::move(plan.host_name)};
    for (TreeChanges& tree : plan.trees) {
        const std::unique_ptr<const os::Directory> root = machine.open_root_to_read(tree.root);
        const std::uint64_t reserved = require_directory(*root, staging::kReservedDirectory).inode;
        ordered.trees.push_back(
            {tree.root, require_directory(*root, ".").inode, reserved, tree.list.generation, tree.made});
        TreeOperations{ordered, *root}.add(std::move(tree.list.changes));
    }
    std::sort(ordered.moves.begin(), ordered.moves.end(), comes_before);
    std::sort(ordered.settings.begin(), ordered.settings.end(), is_set_before);
    return ordered;
}

}  // namespace ft::commit
