#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/database/database.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// What was written in a database between two looks at its counters.
struct DatabaseChanges {
    std::string unknown;                                  ///< why it cannot be counted; empty: it can
    std::map<std::string, database::RowCounters> tables;  ///< those that were written
    std::vector<std::string> gone;                        ///< tables that were dropped or renamed
    bool operator==(const DatabaseChanges&) const = default;
};
/// `now`: nothing when there is no such database any more.
DatabaseChanges changes_between(const database::Activity& then, const std::optional<database::Activity>& now);

/// Finds out what happened in the trees and databases of this machine since its last committed run: the event
/// `changed_here` (docs/json.md), and lines for the summary before a run replaces them. For information only;
/// what cannot be looked at is said, and no error. Error cancelled.
std::string tell_changes_here(os::Machine& machine, const system::Description& system,
                              const system::Manifest& manifest, const os::Directory& state,
                              ui::Console& console, base::Cancellation& cancellation);

}  // namespace ft::migrate
