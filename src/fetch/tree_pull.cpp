#include "fetch/tree_pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "fetch/watched_stream.h"
#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/checks/guards.h"
#include "ft/records/tree_roots.h"
#include "ft/staging/names.h"
#include "ft/staging/probe.h"
#include "ft/system/host_settings.h"
#include "ft/ui/format.h"

namespace ft::fetch {
namespace {

const std::vector<std::string>& excluded_there(const system::Manifest& manifest, const std::string& tree) {
    return std::find_if(manifest.trees.begin(), manifest.trees.end(),
                        [&](const auto& candidate) { return candidate.name == tree; })
        ->exclude;
}

using Taken = staging::EarlierFiles;

/// What attempts before this one have put on a disk since its room was looked at.
Taken taken_since(const Taken& then, const Taken& now) {
    return {now.files - std::min(then.files, now.files), now.bytes - std::min(then.bytes, now.bytes)};
}

}  // namespace

TreePull::TreePull(os::Machine& machine, const system::Description& system,
                   const system::TreeDescription& tree, const system::Manifest& manifest,
                   os::Directory& state, const HostFiles& host_files, ChangesHere& changes_here,
                   ui::Console& console)
    : machine_{machine},
      tree_{tree},
      path_{system.below_root(tree.path)},
      origin_{origin_of(manifest, tree.name)},
      made_{records::make_tree_root(machine, state, path_)},
      root_{machine.open_root_to_read(path_)},
      rules_{system::rules_of(system, tree, excluded_there(manifest, tree.name),
                              {std::string{staging::kReservedDirectory}})},
      state_{state},
      host_files_{host_files},
      changes_here_{changes_here},
      console_{console} {
    system::keep(rules_, tree, host_files.kept());
}

bool TreePull::covers(const std::string& directory) const {
    const auto within = system::path_in_tree(tree_, directory);
    return within && (*within == "." || !rules_.hides(*within, true));
}

std::string TreePull::path_of(const base::RelPath& ground) const {
    return ground.is_root() ? path_ : path_ + '/' + ground.bytes();
}

TreePull::~TreePull() {
    if (let_go_) return;
    try {
        if (staging_) {
            const auto grounds = staging_->grounds();
            staging_->give_up();
            staging_.reset();
            for (const base::RelPath& ground : grounds)
                staging::close_reserved(*machine_.open_root(path_of(ground)), &state_);
        }
        records::remove_tree_roots(machine_, state_, path_);
    } catch (const base::Error& error) {
        base::log_warning("{}", error.what());  // the next run's staging begins by looking at it
    }
}

void TreePull::begin_staging() {
    std::vector<staging::Ground> grounds;
    const auto add = [&](const base::RelPath& at, const os::Directory& live) {
        grounds.push_back({at, &live, staging::open_reserved(*machine_.open_root(path_of(at)), &state_),
                           commit::kept_generations(state_, live)});
    };
    add({}, *root_);
    for (const base::RelPath& mount : tree_.mounts) {
        mounts_.push_back(machine_.open_root_to_read(path_of(mount)));
        add(mount, *mounts_.back());
    }
    staging_.emplace(std::move(grounds), origin_);
    for (const base::RelPath& at : staging_->grounds())
        staging::require_exact(*staging::open_reserved(*machine_.open_root(path_of(at))));
}

/// What an earlier run has fetched is compared with its digests before a connection waits for it.
void TreePull::check_earlier(base::Cancellation& cancellation) {
    const staging::EarlierFiles earlier = staging_->check_earlier(progress_, cancellation);
    checked_ = true;
    if (earlier.files == 0) return;
    console_.say(fmt::format("Tree {}: {} ({}) of an earlier run {} here already.", tree_.name,
                             ui::count(earlier.files, "file", "files"), ui::bytes(earlier.bytes),
                             earlier.files == 1 ? "is" : "are"));
}

bool TreePull::run(const Route& route, bool live, bool verify_content, unsigned max_delete,
                   checks::Space& space, const Compared& compared, base::Cancellation& cancellation) {
    if (!staging_) begin_staging();
    if (!checked_) check_earlier(cancellation);
    Metered metered{route, progress_, reach_, received_, sent_};
    WatchedStream watched{metered, route.policy, progress_, cancellation};
    // An attempt that ended before it staged anything must not hide what the one before it has.
    if (std::exchange(used_, false)) staging_->begin_again();
    const auto held = staging_->of_this_run();
    if (!counted_) counted_ = held;
    reach_.staged(std::accumulate(held.begin(), held.end(), std::uint64_t{0},
                                  [](std::uint64_t sum, const Taken& each) { return sum + each.bytes; }));
    rsync::PullOptions options;
    options.module = tree_.name;
    options.source_is_ft = true;  // it has proved the pairing code
    options.live = live;
    options.verify_content = verify_content;
    options.compressions = route.policy.compressions();
    const auto accounts = host_files_.accounts();
    options.accounts = accounts.get();
    options.changed_since = changes_here_.awaits(tree_.name);
    options.on_need = [&](const rsync::Need& need, const std::function<void()>& keep_alive) {
        changes_here_.note(tree_.name, need.changed);
        checks::require_few_removals({need.listed_files, need.live_files, need.removed_files}, max_delete);
        for (std::size_t i = 0; i < need.grounds.size(); ++i) {
            const os::Directory& ground = i == 0 ? *root_ : *mounts_[i - 1];
            const std::string at = i == 0 ? "" : ", " + tree_.mounts[i - 1].escaped();
            const Taken taken = taken_since((*counted_)[i], held[i]);
            space.book(ground, "tree " + tree_.name + at, taken.bytes + need.grounds[i].bytes,
                       taken.files + need.grounds[i].inodes);
        }
        compared(keep_alive);
        used_ = true;
        if (!verify_content) watched.begin_content();
    };
    try {
        add(rsync::pull(watched, *root_, rules_, *staging_, options, progress_, cancellation), pulled_);
    } catch (const base::Error& error) {
        if (watched.turned() && error.kind() == base::ErrorKind::network) return false;
        throw error.on("tree " + tree_.name);
    }
    metered.done();
    // Here, where others still fetch and restore, and not when users wait for the commit.
    staging_->settle();
    return true;
}

std::vector<commit::TreeChanges> TreePull::finish() {
    const auto grounds = staging_->grounds();
    auto lists = staging_->finish_all();
    std::vector<commit::TreeChanges> changes;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        counts_ += lists[i].counts;
        changes.push_back({path_of(grounds[i]), std::move(lists[i]), {}});
        if (grounds[i].is_root()) changes.back().made = made_;
    }
    return changes;
}

}  // namespace ft::fetch
