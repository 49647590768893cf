#include "migrate/heal.h"

#include <fmt/format.h>

#include "ft/base/outcome.h"
#include "ft/commit/commit.h"
#include "ft/database/database.h"
#include "migrate/state_directory.h"

namespace ft::migrate {

void heal(os::Machine& machine, const system::Description& system, os::Directory& state,
          ui::Console& console) {
    database::PostgresSwapper swapper{machine};
    if (commit::needs_recovery(state))
        console.say("An earlier run was interrupted while it committed: finishing it first.");
    const commit::Recovered recovered = commit::recover(machine, state, swapper);
    if (recovered.outcome == base::Outcome::committed) {
        console.say(fmt::format("Run {} is committed now.", recovered.run_id));
        database::settle(state);
    } else if (recovered.outcome == base::Outcome::rolled_back) {
        console.say(
            fmt::format("Run {} is taken back: this system is as it was before that run.", recovered.run_id));
    }
    if (database::has_unfinished(state)) {
        console.say("An earlier run left a half-restored database: removing it.");
        for (const auto& database : system.databases)
            database::abandon({&machine, &system, &database}, state);
    }
    os::remove_all(state, kIncomingBackup);
}

}  // namespace ft::migrate
