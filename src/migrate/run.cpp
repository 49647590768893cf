#include "migrate/run.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/checks/checks.h"
#include "ft/checks/guards.h"
#include "ft/database/database.h"
#include "ft/records/downtime.h"
#include "ft/records/incoming_backup.h"
#include "ft/records/last_run.h"
#include "ft/records/state_directory.h"
#include "ft/ui/format.h"
#include "migrate/confirm.h"
#include "migrate/public_name.h"
#include "migrate/run_words.h"

namespace ft::migrate {

Run::Run(os::Machine& machine, const DestinationOptions& options, const system::Description& system,
         os::Directory& state, const fetch::Source& source, ui::Console& console,
         base::Cancellation& cancellation, Report& report)
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

void Run::execute() {
    try {
        steps();
    } catch (const std::exception& error) {
        conversation_.finish(control::Failure{error.what(), outer_.requested()});
        const base::Ticker impatient = impatience();
        tasks_.cancellation().request("the end of the run");
        tell_downtime();
        if (decided_) {
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

void Run::steps() {
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
    const base::Ticker impatient = impatience();
    join();
}

/// A source that does not answer the goodbye is waited for no longer.
base::Ticker Run::impatience() {
    return base::Ticker{std::chrono::seconds{3}, [this] { conversation_.shut_down(); }};
}

/// Once the commit has begun, the source is not needed any more.
void Run::join() {
    try {
        tasks_.wait();
    } catch (const base::Error& error) {
        base::log_info("the source, after the commit: {}", error.what());
    }
}

template <typename Step>
void Run::time_phase(const std::string& name, const Step& step) {
    const auto begin = machine_.clock().now();
    step();
    report_.phases.push_back(
        {name, std::chrono::duration_cast<std::chrono::milliseconds>(machine_.clock().now() - begin)});
}

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
    const auto last = records::read_last_run(state_);
    services_.stop(records::Side::destination, report_.run_id, phase(), system_.services,
                   tasks_.cancellation(), last ? std::optional{last->phase} : std::nullopt);
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
    const records::StoppedSince since = conversation_.stopped_since();
    if (!since || std::exchange(downtime_told_, true)) return;
    const auto lasted = records::downtime(machine_.clock(), since);
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
    const fetch::Progress now = fetch_.progress();
    attempts_.set_fetched(now.sum());
    console_.progress(
        progress_line(now) + records::downtime_suffix(machine_.clock(), conversation_.stopped_since()),
        {{"phase", phase},
         {"bytes_done", now.bytes_done},
         {"bytes_wanted", now.bytes_wanted},
         {"files_done", now.files_done}});
    conversation_.set_progress({phase, now.bytes_done, now.bytes_wanted});
}

void Run::clean_up() {
    fetch_.end();
    host_files_.reset();
    try {
        database::abandon_all(machine_, state_);
        records::keep_incoming_backup(state_);
        os::remove_all(state_, records::kIncomingRun);
    } catch (const base::Error& error) {
        base::log_warning("left for the next start: {}", error.what());
    }
}

}  // namespace ft::migrate
