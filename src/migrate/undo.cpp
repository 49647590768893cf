#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/commit/undo.h"
#include "ft/database/database.h"
#include "ft/fetch/changed_here.h"
#include "ft/migrate/here.h"
#include "ft/records/held.h"
#include "ft/records/last_run.h"
#include "ft/records/state_directory.h"
#include "ft/records/stopped_services.h"
#include "ft/system/description.h"
#include "ft/ui/format.h"
#include "migrate/confirm.h"
#include "migrate/heal.h"
#include "migrate/report.h"

namespace ft::migrate {
namespace {

/// Taking one run back, from the question to the services.
class Undoing {
public:
    Undoing(os::Machine& machine, const system::Description& system, os::Directory& state,
            const commit::UndoStore& store, ui::Console& console, base::Cancellation& cancellation,
            UndoReport& report)
        : machine_{machine},
          system_{system},
          state_{state},
          store_{store},
          console_{console},
          cancellation_{cancellation},
          report_{report},
          services_{machine, state, console} {}

    void tell() {
        const commit::UndoPreview preview = commit::preview_undo(machine_, state_, swapper_);
        std::string text = fmt::format("\nThis takes run {} back. It puts back here:\n", run());
        for (const auto& tree : store_.trees) text += fmt::format("    {}\n", base::escape(tree.root));
        for (const auto& swap : store_.swaps)
            text += fmt::format("    database {}{}\n", base::escape(swap.name),
                                swap.current_oid == 0 ? " (there was none)" : "");
        if (store_.host_name) text += "    the host name\n";
        // Without a source there is no manifest: what only it excludes may be named here too.
        text += fetch::ChangesHere{machine_, system_, state_, console_}.look({}, {}, cancellation_);
        if (!store_.swaps.empty()) text += "What was written in the databases since is lost by this.\n";
        text += named("Changed or made here since where the run changed something: lost by this",
                      preview.changed, preview.changed_count);
        text += named("Not kept any more, so these cannot be put back", preview.lost, preview.lost_count);
        console_.say(text);
        for (const std::string& object : preview.lost)
            report_.problems.push_back(object + ": is not kept any more, and was not put back");
    }

    void execute() {
        const auto last = records::read_last_run(state_);
        const system::Phase here = last ? last->phase : system::Phase::final_run;
        const system::Phase before = records::phase_without(state_, store_.run_id);
        try {
            services_.stop(records::Side::destination, store_.run_id, here, system_.services, cancellation_,
                           here);
            cancellation_.check();
        } catch (const base::Error&) {
            services_.start_again();
            throw;
        }
        cancellation_.close();  // short from here on, and must come to an end
        console_.phase("undo", fmt::format("Taking run {} back.", run()));
        const commit::Committed undone = take_back(before);
        report_.outcome = undone.outcome;
        for (const std::string& left : undone.left) console_.warn(left);
        if (undone.outcome == base::Outcome::undone) return;
        add(services_.start_again());
        throw base::Error{
            undone.kind,
            fmt::format("run {} could not be taken back, and stands as before: {}", run(), undone.reason),
            undone.advice};
    }

private:
    std::string run() const { return base::escape(store_.run_id); }

    static std::string named(const char* what, const std::vector<std::string>& examples,
                             std::uint64_t count) {
        if (count == 0) return {};
        std::string text = fmt::format("{}:\n", what);
        for (const std::string& example : examples) text += fmt::format("    {}\n", example);
        if (count > examples.size()) text += fmt::format("    and {} more\n", count - examples.size());
        return text;
    }

    commit::Committed take_back(system::Phase before) {
        try {
            return commit::undo(machine_, state_, swapper_, [&](base::Outcome outcome, const std::string&) {
                if (outcome != base::Outcome::undone) return;
                forget(before);
            });
        } catch (const base::Error& error) {
            // A mixture is nothing that services may use.
            if (error.kind() != base::ErrorKind::recovery) services_.start_again();
            throw;
        } catch (const std::exception& error) {  // memory that ends in the middle of it
            throw base::Error{
                base::ErrorKind::recovery,
                fmt::format("the undo of run {} came to no end: {}", run(), base::escape(error.what())),
                "Run the same command again: it goes on where it stopped."};
        }
    }

    /// The run is not here any more, whatever of this fails.
    void forget(system::Phase before) {
        try {
            services_.taken_back(before);
            records::forget_last_run(state_, store_.run_id);
        } catch (const base::Error& error) {
            console_.warn(error.what());
        }
        const auto off = services_.off_in_rehearsal();
        add(services_.start_again());
        if (!off.empty()) console_.say(records::what_stays_off(off));
    }

    void add(const std::vector<std::string>& failures) {
        report_.problems.insert(report_.problems.end(), failures.begin(), failures.end());
    }

    os::Machine& machine_;
    const system::Description& system_;
    os::Directory& state_;
    const commit::UndoStore& store_;
    ui::Console& console_;
    base::Cancellation& cancellation_;
    UndoReport& report_;
    records::StoppedServices services_;
    database::PostgresSwapper swapper_{machine_};
};

void free_store(os::Machine& machine, const system::Description& system, os::Directory& state,
                ui::Console& console) {
    std::uint64_t bytes = 0;
    for (const records::Held& held : records::look_at_held(machine, system, state)) bytes += held.kept;
    database::PostgresSwapper swapper{machine};
    const auto left = commit::discard_undo(machine, state, swapper);
    if (!left.empty()) {
        throw base::Error{
            base::ErrorKind::database, "what the last run replaced is not all removed: " + left.front(),
            "It cannot be taken back any more. Remove the cause; the next command of ft removes the rest."}
            .with_details(left);
    }
    console.say(fmt::format("What the last run replaced is gone: {} of files freed. It cannot be taken back.",
                            ui::bytes(bytes)));
    console.event("discarded", {{"bytes", bytes}});
}

}  // namespace

void tell_result(const UndoReport& report, const base::Error* error, int exit_status, ui::Console& console) {
    nlohmann::json fields{{"run_id", base::escape(report.run_id)},
                          {"outcome", base::name_of(report.outcome)},
                          {"problems", report.problems},
                          {"exit_status", exit_status}};
    if (error != nullptr) fields["error"] = error->what();
    console.event("result", fields);
}

void undo(os::Machine& machine, const UndoOptions& options, ui::Console& console,
          base::Cancellation& cancellation, UndoReport& report) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    if (!options.yes && !options.discard) require_terminal(console, "a run is taken back");
    records::StateDirectory locked{machine, system, options.discard ? "ft undo --discard" : "ft undo"};
    os::Directory& state = locked.directory();
    open_run_log(locked, fmt::format("{}-undo", new_run_id(machine)), console);
    const Healed healed = heal(machine, system, state, console, cancellation);
    if (healed.outcome == base::Outcome::undone && !options.discard) {
        // What was asked for is what was interrupted, and is done.
        report.run_id = healed.run_id;
        report.outcome = healed.outcome;
        return;
    }
    const auto store = commit::undo_store(state);
    if (!store) {
        throw base::Error{base::ErrorKind::unfit, "there is no run that could be taken back",
                          "ft keeps what the last committed run replaced, unless it ran with --no-undo, or "
                          "`ft undo --discard` has freed it."};
    }
    report.run_id = store->run_id;
    if (options.discard) return free_store(machine, system, state, console);
    Undoing undoing{machine, system, state, *store, console, cancellation, report};
    undoing.tell();
    if (!options.yes) confirm_by_name(machine, console, cancellation);
    undoing.execute();
    console.say(fmt::format("Run {} is taken back: this server is as it was before it.",
                            base::escape(store->run_id)));
}

}  // namespace ft::migrate
