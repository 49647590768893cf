#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/base/outcome.h"
#include "ft/fetch/options.h"
#include "ft/fetch/report.h"
#include "ft/os/machine.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// What `ft migrate --source` was told. Paths are absolute and not below `root`.
struct SourceOptions {
    std::string system_file = "/etc/ft/system.json";
    std::string root = "/";
    std::string listen;  ///< address; empty: all of both families
    std::uint16_t port = 873;
    std::optional<bool> stop_traffic;  ///< production is stopped, or goes on; nothing: ask
    bool allow_final = false;          ///< a destination may have production stopped (--final)
    std::string code_file;             ///< read, or made with a new code; empty: a new code, printed
    std::string plain_user;         ///< stock rsync clients are served too, as this user; empty: they are not
    std::string plain_secret_file;  ///< first line: their secret
};

/// What the source could not put back.
struct SourceReport {
    std::vector<std::string>
        not_started;  ///< services that were active before and do not start; one line each
};

/// The source's whole life: from the lock to the moment when everything is as it was before. Returns when it
/// was interrupted while it served. Any Error (cancelled too, before it served): this machine is as it was,
/// but for what `report` names.
void source(os::Machine& machine, const SourceOptions& options, ui::Console& console,
            base::Cancellation& cancellation, SourceReport& report);

/// Puts this machine back as it was before a source that was killed: waits until its lock is free (at most 10
/// s), then heals. Returns the names of the services that do not start again. Errors: busy, recovery, usage
/// and others.
std::vector<std::string> clean_up_after_source(os::Machine& machine, const SourceOptions& options,
                                               ui::Console& console);

using Compress = fetch::Compress;  ///< for who parses it and knows no `fetch`

/// What `ft migrate --destination` was told.
struct DestinationOptions : fetch::Options {
    std::string address;  ///< HOST[:PORT] of the source
    std::string system_file = "/etc/ft/system.json";
    std::string root = "/";
    std::string code_file;                ///< empty: FT_CODE, or a question
    bool yes = false;                     ///< replace what is here without asking
    bool final_run = false;               ///< fetch while production goes on, then have the source stop it
    bool keep_undo = true;                ///< keep what is replaced, for `ft undo`
    std::chrono::seconds retry_for{600};  ///< how long a lost connection is tried to be made again; 0: never
};

struct PhaseReport {
    std::string name;
    std::chrono::milliseconds duration{0};
};
/// What a run did.
struct Report : fetch::Report {
    std::string run_id;
    std::string source;
    base::Outcome outcome = base::Outcome::unchanged;
    bool changed = false;  ///< committed, and not because all was here already
    std::string phase;     ///< "rehearsal" or "final"; empty until the source has said whether it is live
    std::vector<PhaseReport> phases;
    std::vector<std::string> problems;  ///< what failed after the commit: exit status 10
};

/// One run. Returns after the commit. An Error of kind recovery: an earlier or this commit needs a person;
/// any other Error: nothing was changed. `report` is complete after a commit; before, it knows the run only.
void destination(os::Machine& machine, const DestinationOptions& options, ui::Console& console,
                 base::Cancellation& cancellation, Report& report);

/// The `result` event of a run, for scripts; `error` is null after a commit.
void tell_result(const Report& report, const base::Error* error, int exit_status, ui::Console& console);

}  // namespace ft::migrate
