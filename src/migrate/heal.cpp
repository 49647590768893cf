#include "migrate/heal.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/base/outcome.h"
#include "ft/commit/commit.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"
#include "ft/records/incoming_backup.h"
#include "ft/records/last_run.h"
#include "ft/records/state_directory.h"
#include "ft/records/stopped_services.h"
#include "ft/records/tree_roots.h"
#include "ft/staging/names.h"
#include "ft/staging/root_time.h"
#include "ft/staging/staging.h"

namespace ft::migrate {
namespace {

/// What a killed run had staged in a directory.
void clear_staging(os::Machine& machine, os::Directory& state, const std::string& path) {
    try {
        const auto root = machine.open_root(path);
        staging::free_staged(*root, commit::kept_generations(state, *root), &state);
    } catch (const base::Error& error) {  // there is none, or none that can be staged in: the checks say so
        base::log_info("{}", error.what());
    }
}

/// Finishing what a commit or an undo had begun, and what must follow without fail.
class Recovery {
public:
    Recovery(os::Machine& machine, const system::Description& system, os::Directory& state,
             ui::Console& console)
        : machine_{machine}, system_{system}, state_{state}, console_{console} {}

    Healed run() {
        database::PostgresSwapper swapper{machine_};
        const commit::Recovered recovered = recover(swapper);
        for (const std::string& left : recovered.left) console_.warn("not removed yet: " + left);
        tell(recovered);
        return {recovered.outcome != base::Outcome::unchanged, recovered.outcome, recovered.run_id};
    }

private:
    commit::Recovered recover(commit::DatabaseSwapper& swapper) try {
        if (commit::is_mixture(state_))
            console_.say(
                "An earlier command was interrupted while it changed this system: finishing that first.");
        return commit::recover(
            machine_, state_, swapper,
            [this](base::Outcome outcome, const std::string& run_id) { follow(outcome, run_id); });
    } catch (const base::Error& error) {
        if (error.kind() == base::ErrorKind::recovery || !may_be_mixture()) throw;
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("what was interrupted came to no end: {}", error.what()),
                          error.advice()};
    } catch (const std::exception& error) {  // memory that ends in the middle of it
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("what was interrupted came to no end: {}", base::escape(error.what())),
                          "Run the same command again: it goes on where it stopped."};
    }

    bool may_be_mixture() const {
        try {
            return commit::is_mixture(state_);
        } catch (const base::Error&) {  // a journal that cannot be read
            return true;
        }
    }

    /// While the journal still says which run it is. A disk that is full is no reason to keep services off:
    /// what was replaced is freed next.
    void follow(base::Outcome outcome, const std::string& run_id) {
        if (outcome == base::Outcome::committed) {
            or_warn([&] { records::want_services_of(state_, run_id); });
            or_warn([&] { records::keep_last_run(state_, run_id); });
            or_warn([&] { records::forget_tree_roots(state_); });
        } else if (outcome == base::Outcome::undone) {
            or_warn([&] {
                records::tell_services_of_undo(state_, run_id, records::phase_without(state_, run_id));
            });
            or_warn([&] { records::forget_last_run(state_, run_id); });
        }
    }

    template <typename Note>
    void or_warn(const Note& note) {
        try {
            note();
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::recovery) throw;
            console_.warn(error.what());
        }
    }

    void tell(const commit::Recovered& recovered) {
        const std::string run = base::escape(recovered.run_id);
        if (recovered.outcome == base::Outcome::committed) {
            console_.say(fmt::format("Run {} is committed now.", run));
            if (!system_.hooks.after_commit.empty())
                console_.warn(
                    "whether its hooks after_commit ran is not known: run them by hand where needed");
            database::settle(state_);
        } else if (recovered.outcome == base::Outcome::undone) {
            console_.say(fmt::format("The undo is finished: this system is as it was before run {}.", run));
        } else if (recovered.outcome == base::Outcome::rolled_back && recovered.of_undo) {
            console_.say(fmt::format("Run {} could not be taken back, and stands as before its undo.", run));
        } else if (recovered.outcome == base::Outcome::rolled_back) {
            console_.say(fmt::format("Run {} is taken back: this system is as it was before that run.", run));
        }
    }

    os::Machine& machine_;
    const system::Description& system_;
    os::Directory& state_;
    ui::Console& console_;
};

}  // namespace

Healed heal(os::Machine& machine, const system::Description& system, os::Directory& state,
            ui::Console& console) {
    staging::restore_root_times(machine, state);
    Healed healed = Recovery{machine, system, state, console}.run();
    // A run that changed nothing has no journal that would say so. Of one that changed something there may be
    // the record of its undo.
    const auto last = records::read_last_run(state);
    if (last && last->undoes != last->run_id) records::want_services_of(state, last->run_id);
    // Before anything that may fail: users wait for them.
    if (records::start_what_was_stopped(machine, state, console)) healed.anything = true;
    if (database::has_unfinished(state)) {
        console.say("An earlier run left a half-restored database: removing it.");
        database::abandon_all(machine, state);
        healed.anything = true;
    }
    records::keep_incoming_backup(state);
    os::remove_all(state, records::kSourceBackups);
    os::remove_all(state, records::kIncomingRun);
    // What is staged in a tree is of use to the next run; host files that no tree covers are not.
    const bool is_tree = std::any_of(system.trees.begin(), system.trees.end(),
                                     [](const auto& tree) { return tree.path == "/etc"; });
    if (!is_tree) {
        clear_staging(machine, state, system.below_root("/etc"));
        records::remove_tree_roots(machine, state, system.below_root("/etc"));
    }
    return healed;
}

Healed heal(os::Machine& machine, const system::Description& system, os::Directory& state,
            ui::Console& console, base::Cancellation& cancellation) {
    const auto told = cancellation.on_request(
        [&] { console.say("What an earlier command left is finished first; then this one ends."); });
    return heal(machine, system, state, console);
}

}  // namespace ft::migrate
