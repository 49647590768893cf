#include "commit/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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

using staging::DirectoryTime;
using staging::MoveKind;

/// The path of the directory that holds `path`, "" for what lies in the root.
std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_removal(const Move& move) { return move.kind == MoveKind::remove; }

/// The time of the live directory that `move` takes away; nothing when it takes none.
DirectoryTime& live_time(Move& move) { return is_removal(move) ? move.time : move.replaced_time; }

/// Drops removals of what is moved away with the directory that holds it.
void drop_moved_with_others(staging::Moves& moves) {
    if (std::none_of(moves.begin(), moves.end(), is_removal)) return;
    std::unordered_set<std::string> moved;
    for (Move& move : moves) {
        if (live_time(move).get()) moved.insert(move.path.bytes());
    }
    std::erase_if(moves, [&](const Move& move) {
        if (!is_removal(move)) return false;
        for (auto above = parent_of(move.path.bytes()); !above.empty(); above = parent_of(above)) {
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

/// The operations of one tree.
class TreeOperations {
public:
    TreeOperations(OrderedPlan& ordered, const os::Directory& root)
        : ordered_{ordered}, root_{root}, tree_{static_cast<std::uint32_t>(ordered.trees.size() - 1)} {}

    void add(staging::Moves moves, staging::Settings settings, const staging::ExtendedChanges& extended) {
        drop_moved_with_others(moves);
        // The root always: the reserved directory goes in the end.
        std::set<std::string, std::less<>> touched{""};
        std::string_view last;
        for (Move& move : moves) {
            look_again(move);
            move.tree = tree_;
            const std::string_view parent = parent_of(move.path.bytes());
            if (parent != last) last = *touched.emplace(parent).first;
        }
        for (Setting& setting : settings) {
            touched.erase(setting.path.is_root() ? "" : setting.path.bytes());
            setting.tree = tree_;
            const auto* const change = extended.find(setting.extended);
            if (change != nullptr) setting.extended = ordered_.extended.add(change->before, change->after);
        }
        append(ordered_.moves, std::move(moves));
        append(ordered_.settings, std::move(settings));
        for (const std::string& path : touched) {
            const os::Status status = require_directory(root_, path.empty() ? "." : path);
            const Setting::Values values = Setting::values(status.attributes);
            ordered_.settings.push_back(
                {path.empty() ? base::RelPath{} : base::RelPath{path}, status.inode, values, values, tree_});
        }
    }

private:
    /// What is to be put back is the time of now, not that of when it was staged.
    void look_again(Move& move) const {
        DirectoryTime& time = live_time(move);
        if (!time.get()) return;
        const auto now = root_.status(move.path.bytes());
        if (now && now->inode == (is_removal(move) ? move.inode : move.replaced))
            time = DirectoryTime{now->attributes.mtime};
    }
    /// One tree's list is taken as it is: a copy of a million would be as long as the rest.
    template <typename Operations>
    static void append(Operations& all, Operations more) {
        if (all.empty()) {
            all = std::move(more);
        } else {
            std::move(more.begin(), more.end(), std::back_inserter(all));
        }
    }

    OrderedPlan& ordered_;
    const os::Directory& root_;
    std::uint32_t tree_;
};

/// Removals first; then tree by tree and directory by directory, so that one handle serves many operations.
bool comes_before(const Move& a, const Move& b) {
    const auto rank = [](const Move& move) {
        const std::string_view path = move.path.bytes();
        return std::tuple{move.kind != MoveKind::remove, move.tree, parent_of(path), path};
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

bool Plan::is_empty() const {
    const auto stays = [](const TreeChanges& tree) {
        return tree.list.moves.empty() && tree.list.settings.empty() && tree.made.empty();
    };
    return swaps.empty() && !host_name && std::all_of(trees.begin(), trees.end(), stays);
}

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
        TreeOperations{ordered, *root}.add(std::move(tree.list.moves), std::move(tree.list.settings),
                                           tree.list.extended);
    }
    std::sort(ordered.moves.begin(), ordered.moves.end(), comes_before);
    std::sort(ordered.settings.begin(), ordered.settings.end(), is_set_before);
    return ordered;
}

}  // namespace ft::commit
