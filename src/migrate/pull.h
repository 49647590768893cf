#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/checks/space.h"
#include "ft/commit/commit.h"
#include "ft/os/machine.h"
#include "ft/rsync/pull.h"
#include "ft/staging/staging.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"
#include "migrate/changed_here.h"
#include "migrate/goodbyes.h"
#include "migrate/host_files.h"
#include "migrate/link.h"

namespace ft::migrate {

/// Where the source is.
struct Source {
    os::Machine& machine;
    std::string host;
    std::uint16_t port;
    transport::PairingCode code;
    transport::Limits limits;
};

/// What one more pull of a module brought: counts of what was done add up in `sum`, the rest is that of the
/// last.
void add(rsync::Pulled pulled, rsync::Pulled& sum);

/// How a pull reaches the source.
struct Line {
    /// One more connection; once an attempt. Errors as transport::connect.
    std::function<std::unique_ptr<transport::Connection>()> connect;
    Link& link;
    Goodbyes& goodbyes;        ///< of the connections that have served
    std::atomic<bool>& heard;  ///< becomes true when the source says something on it
};

/// Called once all is compared; returns when the pull may go on. Its argument shows the source that this side
/// lives, to be called from time to time.
using Compared = std::function<void(const std::function<void()>&)>;

/// How far the attempts of one pull came: it grows only when one comes further than all before it. Written by
/// the pull, read by any thread.
class Reach {
public:
    /// Entries of the file list that one attempt received.
    void listed(std::uint64_t entries) { listed_ = std::max<std::uint64_t>(listed_, entries); }
    /// Bytes that lie in staging, those of incomplete files too.
    void staged(std::uint64_t bytes) { staged_ = std::max<std::uint64_t>(staged_, bytes); }
    std::uint64_t sum() const { return listed_ + staged_; }

private:
    std::atomic<std::uint64_t> listed_{0};
    std::atomic<std::uint64_t> staged_{0};
};

/// Connects, and counts what goes over the connection, also when the pull fails; then what is still wanted is
/// unknown until the next attempt compares again.
class Metered : public base::Stream {
public:
    /// All is referred to. Errors as transport::connect.
    Metered(const Line& line, base::Progress& progress, Reach& reach, std::uint64_t& received,
            std::uint64_t& sent)
        : connection_{line.connect()},
          goodbyes_{line.goodbyes},
          heard_{line.heard},
          progress_{progress},
          listed_before_{progress.files_listed},
          reach_{reach},
          received_{received},
          sent_{sent} {}
    ~Metered() override;
    Metered(const Metered&) = delete;
    Metered& operator=(const Metered&) = delete;
    /// The pull has all that it needs: nobody uses this any more.
    void done();

    std::size_t read_some(std::span<std::byte> into) override {
        const std::size_t length = connection_->read_some(into);
        if (length > 0) heard_ = true;
        return length;
    }
    void write(std::span<const std::byte> data) override { connection_->write(data); }
    void flush() override { connection_->flush(); }
    void shut_down() noexcept override { connection_->shut_down(); }

private:
    void count();

    std::unique_ptr<transport::Connection> connection_;
    Goodbyes& goodbyes_;
    std::atomic<bool>& heard_;
    base::Progress& progress_;
    const std::uint64_t listed_before_;
    Reach& reach_;
    std::uint64_t& received_;
    std::uint64_t& sent_;
};

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
    /// last. Error unfit, before
    /// anything is staged, when more than `max_delete` percent of the live files would go
    /// (checks::require_few_removals). False: the link turned, run it again; not with `verify_content`, when
    /// all would be read once more.
    bool run(const Line& line, bool live, bool verify_content, unsigned max_delete, checks::Space& space,
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

/// Whose content a module's is, for what is staged; empty when the source does not say which machine it is.
std::string origin_of(const system::Manifest& manifest, const std::string& module);

/// The backup of a run at the destination: received whole into the state directory, with the last one as
/// basis.
class BackupPull {
public:
    BackupPull(os::Machine& machine, const system::Description& system, const system::Manifest& manifest,
               os::Directory& state);

    /// Fetches everything; afterwards directory() holds the dumps. Again only after keep(), or after a run
    /// that failed: then what is not here yet. Bytes add up. False: the link turned, run it again.
    bool run(const Line& line, checks::Space& space, const Compared& compared,
             base::Cancellation& cancellation);
    /// The dump of one database.
    std::unique_ptr<os::Directory> directory(const system::DatabaseFacts& facts);
    /// From now on this backup is the last one.
    void keep();

    const rsync::Pulled& pulled() const { return pulled_; }
    const base::Progress& progress() const { return progress_; }
    std::uint64_t reached() const { return reach_.sum(); }
    std::uint64_t bytes_received() const { return received_; }
    std::uint64_t bytes_sent() const { return sent_; }

private:
    os::Directory& state_;
    const std::string origin_;  // of what is staged
    std::unique_ptr<os::Accounts> accounts_;
    std::unique_ptr<os::Directory> root_;
    std::optional<staging::Staging> staging_;  // from one attempt to the next
    bool used_ = false;                        // something may be staged since it began
    rsync::Pulled pulled_;
    base::Progress progress_;
    Reach reach_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace ft::migrate
