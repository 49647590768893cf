#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/database/database.h"
#include "ft/os/machine.h"
#include "ft/records/last_run.h"
#include "ft/system/description.h"
#include "ft/system/host_settings.h"
#include "ft/system/manifest.h"
#include "ft/tree/scan.h"
#include "ft/ui/console.h"

namespace ft::fetch {

/// What was written in a database between two looks at its counters.
struct DatabaseChanges {
    std::string unknown;                                  ///< why it cannot be counted; empty: it can
    std::map<std::string, database::RowCounters> tables;  ///< those that were written
    std::vector<std::string> gone;                        ///< tables that were dropped or renamed
    bool operator==(const DatabaseChanges&) const = default;
};
/// `now`: nothing when there is no such database any more.
DatabaseChanges changes_between(const database::Activity& then, const std::optional<database::Activity>& now);

/// What happened in the trees and databases of this machine since its last committed run, and is lost when a
/// run replaces them: the event `changed_here` (docs/json.md), and lines for people. For information only;
/// what cannot be looked at is said, and no error.
class ChangesHere {
public:
    /// All is referred to.
    ChangesHere(os::Machine& machine, const system::Description& system, const os::Directory& state,
                ui::Console& console);
    ~ChangesHere();
    ChangesHere(const ChangesHere&) = delete;
    ChangesHere& operator=(const ChangesHere&) = delete;

    // One of these, before any pull:
    /// Where a person is asked: looks at all but `kept`, which stays, and returns the lines for the summary.
    /// Error cancelled.
    std::string look(const system::Manifest& manifest, const std::vector<system::KeptPath>& kept,
                     base::Cancellation& cancellation);
    /// Where nobody is: looks at the databases alone, for the run reads the trees anyway, and returns what is
    /// known then. The rest is told by the `note` that was awaited last. Error cancelled.
    std::string look_at_databases(base::Cancellation& cancellation);

    // Any thread:
    /// The moment since when changes of `tree` are to be noted; nothing when they are not.
    std::optional<base::Timestamp> awaits(const std::string& tree) const;
    /// What the first look at `tree` found. Nothing when it is not awaited.
    void note(const std::string& tree, const tree::ChangedSince& changed);

private:
    struct Found;  // of all trees and databases

    void look_at(const system::TreeDescription& tree, const system::Manifest& manifest,
                 const std::vector<system::KeptPath>& kept, base::Cancellation& cancellation);
    void look_at_all_databases(base::Cancellation& cancellation);
    /// The root of a tree of the last run; null: it was none. Errors as Machine::open_root_to_read.
    std::unique_ptr<const os::Directory> root_of(const system::TreeDescription& tree) const;
    std::string tell();

    os::Machine& machine_;
    const system::Description& system_;
    ui::Console& console_;
    std::optional<records::LastRun> last_;
    base::Timestamp moment_{};  // of the last run
    mutable std::mutex mutex_;
    std::set<std::string> awaited_;  // trees
    std::unique_ptr<Found> found_;
};

}  // namespace ft::fetch
