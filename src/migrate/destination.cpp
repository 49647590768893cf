#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/base/task_group.h"
#include "ft/base/ticker.h"
#include "ft/checks/checks.h"
#include "ft/checks/guards.h"
#include "ft/commit/commit.h"
#include "ft/database/database.h"
#include "ft/migrate/migrate.h"
#include "ft/ui/format.h"
#include "migrate/changed_here.h"
#include "migrate/code.h"
#include "migrate/confirm.h"
#include "migrate/conversation.h"
#include "migrate/downtime.h"
#include "migrate/fetch.h"
#include "migrate/heal.h"
#include "migrate/hooks.h"
#include "migrate/host_files.h"
#include "migrate/incoming_backup.h"
#include "migrate/last_run.h"
#include "migrate/public_name.h"
#include "migrate/report.h"
#include "migrate/run_words.h"
#include "migrate/state_directory.h"
#include "migrate/stopped_services.h"
#include "migrate/tree_roots.h"

namespace ft::migrate {
namespace {

/// One run, from the connection to the commit: what its steps share.
class Run {
public:
    Run(os::Machine& machine, const DestinationOptions& options, const system::Description& system,
        os::Directory& state, const Source& source, ui::Console& console, base::Cancellation& cancellation,
        Report& report)
        : machine_{machine},
          options_{options},
          system_{system},
          state_{state},
          source_{source},
          console_{console},
          outer_{cancellation},
          report_{report},
          services_{machine, state, console},
          tasks_{cancellation},
          attempts_{machine.clock(), console, options.retry_for},
          conversation_{source,    report.run_id, options.final_run,    system.keep_rows,
                        attempts_, console,       tasks_.cancellation()},
          changes_here_{machine, system, state, console},
          fetch_{machine,       system,    state,  source, options, conversation_.presence(),
                 changes_here_, attempts_, console} {}

    void execute() {
        try {
            steps();
        } catch (const std::exception& error) {
            conversation_.finish(control::Failure{error.what(), outer_.requested()});
            // A source that does not answer the goodbye is not waited for.
            const base::Ticker impatient{std::chrono::seconds{1}, [this] { conversation_.shut_down(); }};
            tasks_.cancellation().request("the end of the run");
            tell_downtime();
            if (committing_) {
                join();
                throw;
            }
            services_.start_again();
            clean_up();
            tasks_.wait();   // when the source failed first, that is the reason
            outer_.check();  // what a closed stream made of an interruption is not
            throw;
        }
    }

    void tell_what_follows() {
        if (unchanged_) {
            console_.say(
                "All was here as at the source already: nothing was changed, and `ft undo` would take back "
                "what "
                "it would have before.");
        } else if (options_.keep_undo) {
            console_.say("To take this run back, as long as no other follows: ft undo");
        }
        if (!stay_off_.empty()) console_.say(stay_off_);
    }

private:
    void steps() {
        tasks_.start("the source", [&] { conversation_.listen(); });
        // A person takes longer to confirm than they stand.
        if (options_.yes) fetch_.connect_ahead();
        time_phase("backup", [&] { manifest_ = conversation_.wait_until_ready(tasks_.cancellation()); });
        tell_phase();
        time_phase("check", [&] { check(); });
        confirm();
        stop_services();
        if (options_.final_run && manifest_.live) {
            // The downtime is what is left to do once most of it is here.
            time_phase("presync", [&] { presync(); });
            time_phase("stop", [&] { stop_traffic(); });
        }
        time_phase("pull", [&] { pull(); });
        time_phase("commit", [&] { commit(); });
        tell_downtime();
        tell_committed();
        const base::Ticker impatient{std::chrono::seconds{1}, [this] { conversation_.shut_down(); }};
        join();
    }

    void tell_committed() {
        conversation_.finish(control::Result{report_.run_id, base::Outcome::committed,
                                             "committed: the destination is a replica"});
    }

    /// Once the commit has begun, the source is not needed any more.
    void join() {
        try {
            tasks_.wait();
        } catch (const base::Error& error) {
            base::log_info("the source, after the commit: {}", error.what());
        }
    }

    template <typename Step>
    void time_phase(const std::string& name, const Step& step) {
        const auto begin = machine_.clock().now();
        step();
        report_.phases.push_back(
            {name, std::chrono::duration_cast<std::chrono::milliseconds>(machine_.clock().now() - begin)});
    }

    /// With --final a run is final from its beginning, while production still goes on.
    system::Phase phase() const { return system::phase_of(manifest_.live && !options_.final_run); }
    void tell_phase();
    void check();
    void require_fit();
    void confirm();
    void stop_services();
    void start_services();
    void presync();
    void stop_traffic();
    void pull();
    void commit();
    void make_live(commit::Plan plan);
    void leave_unchanged();
    void is_committed();
    void after_commit();
    template <typename Step>
    void or_warn(const Step& step);
    void let_go() {
        fetch_.let_go();
        host_files_->let_go();
    }
    void clean_up();
    void tell_downtime();
    void show_progress(const char* phase);
    void fill_report();
    HookFacts hook_facts(Moment moment) const;

    os::Machine& machine_;
    const DestinationOptions& options_;
    const system::Description& system_;
    os::Directory& state_;
    const Source& source_;
    ui::Console& console_;
    base::Cancellation& outer_;
    Report& report_;
    StoppedServices services_;
    base::TaskGroup tasks_;
    Attempts attempts_;
    Conversation conversation_;
    system::Manifest manifest_;
    std::optional<HostFiles> host_files_;
    ChangesHere changes_here_;
    Fetch fetch_;             // refers to these two: goes before them
    std::string stay_off_;    // the last line for the admin, after a rehearsal
    bool unchanged_ = false;  // the commit had nothing to do
    bool downtime_told_ = false;
    bool committing_ = false;  // the journal decides now what this machine is
};

void Run::tell_phase() {
    report_.phase = system::name_of(phase());
    console_.say(phase_sentence(manifest_, options_.final_run));
}

void Run::check() {
    console_.phase(
        "check", fmt::format("Checking that {} can be replaced here.", base::escape(manifest_.system_name)));
    checks::require_other_machine(machine_, system_, source_.host, conversation_.peer(),
                                  tasks_.cancellation());
    require_fit();
}

/// Finds out from the manifest what would fail, and what of this machine the run writes itself.
void Run::require_fit() {
    checks::Checked checked = checks::destination(machine_, system_, manifest_, tasks_.cancellation());
    host_files_.emplace(machine_, system_, manifest_);
    const auto& findings = host_files_->findings();
    checked.findings.insert(checked.findings.end(), findings.begin(), findings.end());
    for (const std::string& warning : checked.warnings) console_.warn(warning);
    for (const std::string& warning : host_files_->warnings()) console_.warn(warning);
    checks::require_none(checked);
}

void Run::confirm() {
    std::string summary = replaced_here(machine_, system_, manifest_, tasks_.cancellation());
    summary += host_files_->summary();
    summary += options_.yes ? changes_here_.look_at_databases(tasks_.cancellation())
                            : changes_here_.look(manifest_, host_files_->kept(), tasks_.cancellation());
    summary += "What was changed in them on this server is lost.\n";
    console_.say(summary);
    confirm_public_name(machine_, manifest_, options_.yes, console_, tasks_.cancellation());
    if (options_.yes) return;
    confirm_by_name(machine_, console_, tasks_.cancellation());
}

/// From here on nothing uses what is compared and replaced.
void Run::stop_services() {
    const auto last = read_last_run(state_);
    services_.stop(Side::destination, report_.run_id, phase(), system_.services, tasks_.cancellation(),
                   last ? std::optional{last->phase} : std::nullopt);
}

/// The commit is decided: what fails now is told, and makes it a commit with trouble.
void Run::start_services() {
    try {
        services_.commit();
    } catch (const base::Error& error) {
        report_.problems.push_back(fmt::format("services: {}", error.what()));
        console_.warn(report_.problems.back());
    }
    const auto off = services_.off_in_rehearsal();
    const auto failures = services_.start_again();
    report_.problems.insert(report_.problems.end(), failures.begin(), failures.end());
    if (!off.empty()) stay_off_ = what_stays_off(off);
}

/// Production goes on: all that is fetched now need not be fetched when it is stopped.
void Run::presync() {
    console_.phase("presync", fmt::format("Fetching {} while production goes on.", fetch_.what(manifest_)));
    fetch_.prepare(manifest_, *host_files_);
    const base::Ticker ticker{std::chrono::seconds{1}, [this] { show_progress("presync"); }};
    fetch_.presync(manifest_, tasks_.cancellation());
}

void Run::stop_traffic() {
    console_.phase("stop", "Asking the source to stop production; it makes a fresh backup then.");
    manifest_ = conversation_.stop_traffic(tasks_.cancellation());
    require_fit();  // tables, roles, extensions and accounts may be others than before
}

void Run::tell_downtime() {
    const StoppedSince since = conversation_.stopped_since();
    if (!since || std::exchange(downtime_told_, true)) return;
    const auto lasted = downtime(machine_.clock(), since);
    if (manifest_.live) {  // it has not said that it did
        console_.say(
            fmt::format("The source was asked to stop production {} ago: its console says what it did.",
                        ui::duration(lasted)));
        return;
    }
    report_.phases.push_back({"downtime", lasted});
    console_.say(fmt::format(
        "Production at the source is stopped (downtime so far {}), and stays so until ft ends there.",
        ui::duration(lasted)));
}

void Run::pull() {
    console_.phase("pull", fmt::format("Fetching {}.", fetch_.what(manifest_)));
    fetch_.prepare(manifest_, *host_files_);
    const base::Ticker ticker{std::chrono::seconds{1}, [this] { show_progress("pull"); }};
    fetch_.all(manifest_, tasks_.cancellation());
}

void Run::show_progress(const char* phase) {
    const FetchProgress now = fetch_.progress();
    attempts_.set_fetched(now.sum());
    console_.progress(progress_line(now) + downtime_suffix(machine_.clock(), conversation_.stopped_since()),
                      {{"phase", phase},
                       {"bytes_done", now.bytes_done},
                       {"bytes_wanted", now.bytes_wanted},
                       {"files_done", now.files_done}});
    conversation_.set_progress({phase, now.bytes_done, now.bytes_wanted});
}

void Run::commit() {
    for (const Moment moment : {Moment::after_restore, Moment::before_commit})
        run_hooks(machine_, system_, moment, hook_facts(moment), tasks_.cancellation(),
                  [this](const std::string& line) { console_.say(line); });
    commit::Plan plan;
    plan.run_id = report_.run_id;
    plan.keep_undo = options_.keep_undo;
    plan.swaps = fetch_.swaps();
    plan.host_name = host_files_->host_name();
    const auto host_changes = host_files_->stage(fetch_.trees(), state_);
    for (const auto& tree : fetch_.trees()) {
        auto changes = tree->finish();
        std::move(changes.begin(), changes.end(), std::back_inserter(plan.trees));
    }
    fill_report();
    for (std::size_t i = 0; i < report_.trees.size(); ++i)
        report_.trees[i].counts = fetch_.trees()[i]->counts();
    if (host_changes) plan.trees.push_back(*host_changes);
    // What a run without an undo has to free is that of the one before.
    unchanged_ = plan.is_empty() && plan.keep_undo;
    // As late as can be: what kept rows and programs wrote into the restored databases is part of this run.
    prepare_last_run(state_, describe_run(machine_, system_, report_.run_id, phase(), tasks_.cancellation()),
                     !unchanged_);

    tasks_.cancellation().check();
    // From here on the run is short and must end by itself: a signal, or the loss of the source, changes
    // nothing.
    outer_.close();
    tasks_.cancellation().close();
    services_.set_phase(phase());
    unchanged_ ? leave_unchanged() : make_live(std::move(plan));
    committing_ = true;
    after_commit();
}

/// What an undo takes back stays the last run that changed something.
void Run::leave_unchanged() {
    console_.phase("commit", "All is here as at the source already.");
    is_committed();
    report_.outcome = base::Outcome::committed;
    fetch_.end();
    host_files_.reset();
}

void Run::is_committed() {
    or_warn([&] { keep_last_run(state_, report_.run_id); });
    or_warn([&] { forget_tree_roots(state_); });
    start_services();
    // Its answer comes while the rest is done here. One that is lost just now may be back by then.
    if (!conversation_.presence().is_there()) return;
    fetch_.wait_for_goodbyes();  // the end of the run is that of its transfers
    tell_committed();
}

void Run::make_live(commit::Plan plan) {
    console_.phase("commit", "Making it live.");
    database::PostgresSwapper swapper{machine_};
    commit::Committed committed;
    // Before what was replaced is removed: users wait for the services. What they change is changed since.
    const auto decided = [&](base::Outcome outcome, const std::string&) {
        if (outcome == base::Outcome::committed) is_committed();
    };
    try {
        committed = commit::commit(machine_, state_, std::move(plan), swapper, decided);
    } catch (const base::Error& error) {
        // The journal may still need everything that was staged and restored.
        committing_ = error.kind() == base::ErrorKind::recovery;
        if (committing_) let_go();
        throw;
    } catch (const std::exception& error) {  // memory that ends in the middle of it
        committing_ = true;
        let_go();
        throw base::Error{base::ErrorKind::recovery,
                          fmt::format("the commit of run {} came to no end: {}", report_.run_id,
                                      base::escape(error.what())),
                          "Run the same command again: it finishes the commit or takes it back first."};
    }
    let_go();
    report_.outcome = committed.outcome;
    for (const std::string& left : committed.left) {
        report_.warnings.push_back("not removed yet: " + left);
        console_.warn(report_.warnings.back());
    }
    if (committed.outcome != base::Outcome::committed) {
        throw base::Error{committed.kind,
                          "the changes could not be made and were taken back: " + committed.reason,
                          committed.advice};
    }
}

template <typename Step>
void Run::or_warn(const Step& step) {
    try {
        step();
    } catch (const base::Error& error) {
        report_.warnings.push_back(fmt::format("after the commit: {}", error.what()));
        console_.warn(report_.warnings.back());
    }
}

/// The replica is live: what fails now is told, and mended by the next start.
void Run::after_commit() {
    or_warn([&] {
        database::settle(state_);
        fetch_.keep_backup();
    });
    // Last: hooks may use everything that the run brings back.
    const auto failures = try_hooks(machine_, system_, Moment::after_commit, hook_facts(Moment::after_commit),
                                    outer_, [this](const std::string& line) { console_.say(line); });
    for (const std::string& failure : failures) {
        report_.problems.push_back(failure);
        console_.warn(failure);
    }
}

HookFacts Run::hook_facts(Moment moment) const {
    HookFacts facts{.run_id = report_.run_id, .phase = phase()};
    if (moment != Moment::after_restore) return facts;
    for (const auto& swap : fetch_.swaps()) facts.incoming[swap.name] = swap.incoming;
    return facts;
}

void Run::clean_up() {
    fetch_.end();
    host_files_.reset();
    try {
        database::abandon_all(machine_, state_);
        keep_incoming_backup(state_);
        os::remove_all(state_, kIncomingRun);
    } catch (const base::Error& error) {
        base::log_warning("left for the next start: {}", error.what());
    }
}

void Run::fill_report() {
    host_files_->tell_kept(report_);
    const auto& of_host = host_files_->warnings();
    report_.warnings.insert(report_.warnings.end(), of_host.begin(), of_host.end());
    if (attempts_.losses() > 0) {
        report_.warnings.push_back(fmt::format("connections to the source were lost {}, and made again",
                                               ui::count(attempts_.losses(), "time", "times")));
    }
    report_.bytes_received += conversation_.bytes_received();
    report_.bytes_sent += conversation_.bytes_sent();
    fetch_.tell(manifest_, report_);
}

}  // namespace

void destination(os::Machine& machine, const DestinationOptions& options, ui::Console& console,
                 base::Cancellation& cancellation, Report& report) {
    const transport::Address address = transport::parse_address(options.address);
    const system::Description system = system::load(machine, options.system_file, options.root);
    if (!options.yes) require_terminal(console, "what is on this server will be replaced");
    StateDirectory state{machine, system, "ft migrate --destination"};
    report.run_id = new_run_id(machine);
    report.source = options.address;
    open_run_log(state, report.run_id, console);
    // An interrupted commit decides what this server is: nothing else may look at the trees before.
    heal(machine, system, state.directory(), console, cancellation);
    // What waits to be removed would keep the commit from beginning: the admin hears it now, not in an hour.
    database::PostgresSwapper swapper{machine};
    commit::put_away(machine, state.directory(), swapper);

    const Source source{machine,
                        address.host,
                        address.port,
                        destination_code(machine, options.code_file, console, cancellation),
                        {}};
    console.phase("connect",
                  fmt::format("Connecting to {}, port {}.", base::escape(address.host), address.port));
    Run run{machine, options, system, state.directory(), source, console, cancellation, report};
    console.event("run_started", {{"run_id", report.run_id}});
    run.execute();
    write_report(state, report, console);
    run.tell_what_follows();
}

}  // namespace ft::migrate
