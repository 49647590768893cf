#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/task_group.h"
#include "ft/checks/space.h"
#include "ft/commit/commit.h"
#include "ft/commit/database_swap.h"
#include "ft/database/database.h"
#include "ft/fetch/attempts.h"
#include "ft/fetch/changed_here.h"
#include "ft/fetch/host_files.h"
#include "ft/fetch/options.h"
#include "ft/fetch/report.h"
#include "ft/fetch/source.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"

namespace ft::fetch {

class BackupPull;
class ConnectionsAhead;
class Goodbyes;
struct Route;
class TransferPolicy;
class TreePull;
class Turns;

/// The database here that the source calls `facts.name`; the checks saw that both sides have it.
database::Access access_to(os::Machine& machine, const system::Description& system,
                           const system::DatabaseFacts& facts);

/// How far all pulls of a run are.
struct Progress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_wanted = 0;
    std::uint64_t files_done = 0;
    std::uint64_t bytes_checked = 0;   ///< of an earlier run, read again
    std::uint64_t bytes_verified = 0;  ///< live, read to compare their content
    std::uint64_t reached = 0;         ///< by the longest attempts of each pull
    /// What ends an outage when it grows (Attempts::set_fetched).
    std::uint64_t sum() const { return bytes_done + files_done + bytes_checked + bytes_verified + reached; }
};

/// All that a run brings here: the pulls of its trees and of its backup, beside each other, and the databases
/// that are restored from it. A pull whose connection is lost begins again when the source is there, and
/// keeps what it has; the others and the restores go on. Nothing of it is live before the commit.
class Fetch {
public:
    /// All but `options` is referred to.
    Fetch(os::Machine& machine, const system::Description& system, os::Directory& state, const Source& source,
          const Options& options, Presence& presence, ChangesHere& changes_here, Attempts& attempts,
          ui::Console& console);
    /// As end().
    ~Fetch();
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

    /// Begins to make connections for the first fetch, which may be soon. Once.
    void connect_ahead();
    /// "2 trees and the database backup", for people.
    std::string what(const system::Manifest& manifest) const;
    /// Before each fetch, and before progress() is called from another thread. `host_files` is referred to.
    void prepare(const system::Manifest& manifest, const HostFiles& host_files);
    /// While production goes on: trees and backup, so that most is here when it is stopped. Nothing is
    /// restored. Error no_space also when what comes after the stop would not fit.
    void presync(const system::Manifest& manifest, base::Cancellation& cancellation);
    /// Everything; databases are restored, with the rows that stay, as soon as the backup is here.
    void all(const system::Manifest& manifest, base::Cancellation& cancellation);
    /// Any thread.
    Progress progress() const;

    /// Until the source has ended the connections that have served, about a second at most.
    void wait_for_goodbyes();

    // After all(), for the commit:
    /// The changes of all trees, and those of `host_files`, which are staged now. What they name is durable
    /// after sync(), but what no tree holds is already.
    std::vector<commit::TreeChanges> finish(HostFiles& host_files);
    void sync();
    const std::vector<commit::DatabaseSwap>& swaps() const { return swaps_; }
    /// After finish: adds what came to `report`, and warns of what the admin must know of it.
    void tell(const system::Manifest& manifest, Report& report) const;
    /// The commit has decided, and cleans staging up itself.
    void let_go();
    /// The backup is the last one from now on.
    void keep_backup();
    /// What was fetched stays for the next run, unless it was let go. Waits for the connections that are made
    /// ahead, which end.
    void end();

private:
    void book_database(const system::DatabaseFacts& facts, base::Cancellation& cancellation);
    void book_for_later(const system::Manifest& manifest, base::Cancellation& cancellation);
    void restore(const system::DatabaseFacts& facts, base::Cancellation& cancellation);
    void pull_trees(bool live, base::TaskGroup& pulls);
    void pull_backup(base::Cancellation& cancellation);
    std::unique_ptr<transport::Connection> connect(base::Cancellation& cancellation) const;
    /// Repeats `pull` while it says false, or its connection is lost.
    void until_done(const std::function<bool(const Route&, base::Cancellation&)>& pull,
                    base::Cancellation& cancellation);

    os::Machine& machine_;
    const system::Description& system_;
    os::Directory& state_;
    const Source& source_;
    const unsigned max_delete_;
    const bool verify_content_;
    Presence& presence_;
    ChangesHere& changes_here_;
    Attempts& attempts_;
    ui::Console& console_;
    std::unique_ptr<TransferPolicy> policy_;
    std::unique_ptr<Goodbyes> goodbyes_;
    checks::Space space_;
    std::vector<std::unique_ptr<TreePull>> trees_;
    std::unique_ptr<BackupPull> backup_;
    std::vector<commit::DatabaseSwap> swaps_;
    std::vector<KeptReport> kept_rows_;
    std::unique_ptr<Turns> turns_;
    std::unique_ptr<ConnectionsAhead> ahead_;
};

}  // namespace ft::fetch
