#include "migrate/heal.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/base/outcome.h"
#include "ft/commit/commit.h"
#include "ft/database/database.h"
#include "ft/staging/names.h"
#include "ft/staging/staging.h"
#include "migrate/last_run.h"
#include "migrate/state_directory.h"
#include "migrate/stopped_services.h"

namespace ft::migrate {
namespace {

/// What a killed run had staged in a tree.
void clear_staging(os::Machine& machine, const os::Directory& state, const std::string& path) {
    try {
        const auto root = machine.open_root(path);
        staging::free_staged(*root, commit::kept_generations(state, *root));
    } catch (const base::Error& error) {  // no tree, or none that can be staged in: the checks say so
        base::log_info("{}", error.what());
    }
}

}  // namespace

void heal(os::Machine& machine, const system::Description& system, os::Directory& state,
          ui::Console& console) {
    database::PostgresSwapper swapper{machine};
    if (commit::is_mixture(state))
        console.say("An earlier run was interrupted while it committed: finishing it first.");
    const commit::Recovered recovered =
        commit::recover(machine, state, swapper, [&](base::Outcome outcome, const std::string& run_id) {
            if (outcome != base::Outcome::committed) return;
            // While the journal still says which run it is. A disk that is full is no reason to keep services
            // off: what the commit replaced is freed next.
            const auto or_warn = [&](const auto& note) {
                try {
                    note(state, run_id);
                } catch (const base::Error& error) {
                    if (error.kind() == base::ErrorKind::recovery) throw;
                    console.warn(error.what());
                }
            };
            or_warn(want_services_of);
            or_warn(keep_last_run);
        });
    if (recovered.outcome == base::Outcome::committed) {
        console.say(fmt::format("Run {} is committed now.", recovered.run_id));
        if (!system.hooks.after_commit.empty())
            console.warn("whether its hooks after_commit ran is not known: run them by hand where needed");
        database::settle(state);
    } else if (recovered.outcome == base::Outcome::undone) {
        console.say(fmt::format("Run {} is taken back: its undo is finished.", recovered.run_id));
    } else if (recovered.of_undo) {
        console.say(
            fmt::format("Run {} could not be taken back: all is as before the undo.", recovered.run_id));
    } else if (recovered.outcome == base::Outcome::rolled_back) {
        console.say(
            fmt::format("Run {} is taken back: this system is as it was before that run.", recovered.run_id));
    }
    for (const std::string& line : recovered.left) console.warn("not removed yet: " + line);
    // Before anything that may fail: users wait for them.
    start_what_was_stopped(machine, state, console);
    if (database::has_unfinished(state)) {
        console.say("An earlier run left a half-restored database: removing it.");
        database::abandon_all(machine, state);
    }
    os::remove_all(state, kIncomingBackup);
    os::remove_all(state, kSourceBackups);
    os::remove_all(state, kIncomingRun);
    for (const auto& tree : system.trees) clear_staging(machine, state, system.below_root(tree.path));
    clear_staging(machine, state, system.below_root("/etc"));  // host files that no tree covers
}

}  // namespace ft::migrate
