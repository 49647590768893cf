#include <utility>

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/checks/guards.h"
#include "ft/staging/names.h"
#include "ft/system/host_settings.h"
#include "migrate/pull.h"

namespace ft::migrate {

TreePull::TreePull(os::Machine& machine, const system::Description& system,
                   const system::TreeDescription& tree, const system::TreeFacts& facts,
                   const HostFiles& host_files)
    : machine_{machine},
      tree_{tree},
      path_{system.below_root(tree.path)},
      made_{machine.make_root(path_)},
      root_{machine.open_root(path_)},
      rules_{system::rules_of(system, tree, facts.exclude, {std::string{staging::kReservedDirectory}})},
      host_files_{host_files} {
    system::keep(rules_, tree, host_files.kept());
}

bool TreePull::covers(const std::string& directory) const {
    const auto within = system::path_in_tree(tree_, directory);
    return within && (*within == "." || !rules_.hides(*within, true));
}

TreePull::~TreePull() {
    if (let_go_) return;
    try {
        if (staging_) staging_->discard();
        for (auto made = made_.rbegin(); made != made_.rend(); ++made) machine_.remove_root(*made);
    } catch (const base::Error& error) {
        base::log_warning("{}", error.what());  // the next run's staging begins by removing it
    }
}

void TreePull::run(const Source& source, bool live, unsigned max_delete, checks::Space& space,
                   base::Cancellation& cancellation) {
    const auto connection =
        transport::connect(source.machine.network(), source.host, source.port, source.code,
                           transport::Purpose::rsync, source.limits, cancellation);
    Metered metered{*connection, progress_, received_, sent_};
    if (!staging_) staging_.emplace(*root_);
    // An attempt that ended before it staged anything must not hide what the one before it has.
    if (std::exchange(used_, false)) staging_->begin_again();
    rsync::PullOptions options;
    options.module = tree_.name;
    options.live = live;
    const auto accounts = host_files_.accounts();
    options.accounts = accounts.get();
    options.on_need = [&](const rsync::Need& need) {
        checks::require_few_removals({need.listed_files, need.live_files, need.removed_files}, max_delete);
        space.book(*root_, "tree " + tree_.name, need.bytes, need.inodes);
        used_ = true;
    };
    try {
        add(rsync::pull(*connection, *root_, rules_, *staging_, options, progress_, cancellation), pulled_);
    } catch (const base::Error& error) {
        throw error.on("tree " + tree_.name);
    }
    metered.done();
}

commit::TreeChanges TreePull::finish() {
    commit::TreeChanges changes{path_, staging_->finish()};
    staging_->sync();
    return changes;
}

}  // namespace ft::migrate
