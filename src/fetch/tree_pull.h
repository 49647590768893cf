#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fetch/metered.h"
#include "fetch/pull.h"
#include "fetch/route.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/checks/space.h"
#include "ft/commit/commit.h"
#include "ft/fetch/changed_here.h"
#include "ft/fetch/host_files.h"
#include "ft/os/machine.h"
#include "ft/rsync/pull.h"
#include "ft/staging/staging.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/tree/rules.h"
#include "ft/ui/console.h"

namespace ft::fetch {

/// One tree of a run at the destination: its directory, what is staged for it, what came of the pull.
class TreePull {
public:
    /// Makes the tree's directory where it is missing. `state`, `host_files`, `changes_here` and `console`
    /// are referred to.
    TreePull(os::Machine& machine, const system::Description& system, const system::TreeDescription& tree,
             const system::Manifest& manifest, os::Directory& state, const HostFiles& host_files,
             ChangesHere& changes_here, ui::Console& console);
    /// What was fetched stays staged for the next run, unless it was handed over. When nothing was, no trace
    /// stays, and the directory is removed if it was made here.
    ~TreePull();
    TreePull(const TreePull&) = delete;
    TreePull& operator=(const TreePull&) = delete;

    /// Fetches everything into staging, over a connection of its own. Again, after a run or after one that
    /// failed: what is not here yet; counts of bytes and of what vanished add up, the rest is that of the
    /// last. Error unfit, before anything is staged, when more than `max_delete` percent of the live files
    /// would go (checks::require_few_removals). False: the policy turned, run it again; not with
    /// `verify_content`, when all would be read once more.
    bool run(const Route& route, bool live, bool verify_content, unsigned max_delete, checks::Space& space,
             const Compared& compared, base::Cancellation& cancellation);
    /// What is staged is not free any more where the next run of the pull counts from.
    void count_space_anew() { counted_.reset(); }
    /// True when `directory` (absolute) is the tree's root or lies in it, and is not excluded.
    bool covers(const std::string& directory) const;
    const system::TreeDescription& described() const { return tree_; }
    const os::Directory& root() const { return *root_; }
    /// After run: what else the commit shall put into this tree.
    staging::Staging& staging() { return *staging_; }
    /// The staged changes, for the commit: those of each file system that the tree lies on. What it names is
    /// durable after staging().sync().
    std::vector<commit::TreeChanges> finish();
    /// After finish: all of them.
    const staging::ChangeCounts& counts() const { return counts_; }
    /// The commit has decided, and cleans staging up itself.
    void let_go() { let_go_ = true; }

    const std::string& name() const { return tree_.name; }
    const rsync::Pulled& pulled() const { return pulled_; }
    const base::Progress& progress() const { return progress_; }
    std::uint64_t reached() const { return reach_.sum(); }
    std::uint64_t bytes_received() const { return received_; }
    std::uint64_t bytes_sent() const { return sent_; }

private:
    void begin_staging();
    void check_earlier(base::Cancellation& cancellation);
    std::string path_of(const base::RelPath& ground) const;

    os::Machine& machine_;
    const system::TreeDescription& tree_;
    const std::string path_;
    const std::string origin_;  // of what is staged
    std::vector<std::string> made_;
    std::unique_ptr<const os::Directory> root_;
    std::vector<std::unique_ptr<const os::Directory>> mounts_;  // roots of what is mounted in it
    tree::Rules rules_;
    os::Directory& state_;
    const HostFiles& host_files_;
    ChangesHere& changes_here_;
    ui::Console& console_;
    std::optional<staging::Staging> staging_;
    staging::ChangeCounts counts_;
    bool checked_ = false;                                       // what earlier runs left
    bool used_ = false;                                          // something may be staged since it began
    std::optional<std::vector<staging::EarlierFiles>> counted_;  // of this run, when space was looked at
    rsync::Pulled pulled_;
    base::Progress progress_;
    Reach reach_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
    bool let_go_ = false;
};

}  // namespace ft::fetch
