#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/task_group.h"
#include "ft/base/ticker.h"
#include "ft/commit/commit.h"
#include "ft/fetch/attempts.h"
#include "ft/fetch/changed_here.h"
#include "ft/fetch/conversation.h"
#include "ft/fetch/fetch.h"
#include "ft/fetch/host_files.h"
#include "ft/migrate/migrate.h"
#include "ft/os/machine.h"
#include "ft/records/stopped_services.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/ui/console.h"
#include "migrate/hooks.h"

namespace ft::migrate {

/// One run at the destination, from the connection to the services that run again. Its steps are in run.cpp,
/// the commit and what follows it in run_commit.cpp. One thread.
class Run {
public:
    /// All is referred to.
    Run(os::Machine& machine, const DestinationOptions& options, const system::Description& system,
        os::Directory& state, const fetch::Source& source, ui::Console& console,
        base::Cancellation& cancellation, Report& report);

    /// Errors as destination().
    void execute();
    /// After execute: the last lines for the admin.
    void tell_what_follows();

private:
    void steps();
    template <typename Step>
    void time_phase(const std::string& name, const Step& step);
    /// With --final a run is final from its beginning, while production still goes on.
    system::Phase phase() const { return system::phase_of(manifest_.live && !options_.final_run); }
    void tell_phase();
    void check();
    void require_fit();
    void confirm();
    void stop_services();
    void presync();
    void stop_traffic();
    void tell_downtime();
    void pull();
    void show_progress(const char* phase);
    base::Ticker impatience();
    void join();
    void clean_up();

    void commit();
    void make_live(commit::Plan plan);
    void leave_unchanged();
    void let_go();
    void follow_commit();
    void start_services();
    void tell_committed();
    void after_commit();
    void tell_left(const std::vector<std::string>& left);
    template <typename Step>
    void or_warn(const Step& step);
    HookFacts hook_facts(Moment moment) const;
    void fill_report();

    os::Machine& machine_;
    const DestinationOptions& options_;
    const system::Description& system_;
    os::Directory& state_;
    const fetch::Source& source_;
    ui::Console& console_;
    base::Cancellation& outer_;
    Report& report_;
    records::StoppedServices services_;
    base::TaskGroup tasks_;
    fetch::Attempts attempts_;
    fetch::Conversation conversation_;
    system::Manifest manifest_;
    std::optional<fetch::HostFiles> host_files_;
    fetch::ChangesHere changes_here_;
    fetch::Fetch fetch_;      // refers to these two: goes before them
    std::string stay_off_;    // the last line for the admin, after a rehearsal
    bool unchanged_ = false;  // the commit had nothing to do
    std::string undoes_;      // the run that an undo takes back after an unchanged one; empty: none
    bool downtime_told_ = false;
    bool decided_ = false;  // committed, or the journal decides: no failure ends it with nothing changed
};

}  // namespace ft::migrate
