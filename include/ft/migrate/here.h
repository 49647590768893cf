#pragma once

#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/base/outcome.h"
#include "ft/os/machine.h"
#include "ft/ui/console.h"

namespace ft::migrate {

// What ft does on one machine alone, without a network. All but status hold the run lock, and finish first
// what an earlier command left unfinished: an Error of kind recovery says that this was not possible.

/// What such a command was told.
struct HereOptions {
    std::string system_file = "/etc/ft/system.json";
    std::string root = "/";
};
struct ServicesOptions : HereOptions {};
struct RecoverOptions : HereOptions {};
struct DiscardOptions : HereOptions {};
struct StatusOptions : HereOptions {};
struct UndoOptions : HereOptions {
    bool yes = false;      ///< without a question
    bool discard = false;  ///< free what would be put back, instead
};

/// Starts every service of system.json that is not active, those that stay off in a rehearsal too; FT_PHASE
/// is "final". Error command names those that do not start; the others are started.
void start_services(os::Machine& machine, const ServicesOptions& options, ui::Console& console,
                    base::Cancellation& cancellation);

/// Finishes or takes back an interrupted commit or undo, removes what it replaced, and starts services that
/// wait; nothing else. Without a question.
void recover(os::Machine& machine, const RecoverOptions& options, ui::Console& console);

/// Frees what failed runs have staged for the next one. What an undo needs stays.
void discard(os::Machine& machine, const DiscardOptions& options, ui::Console& console);

/// What an undo did.
struct UndoReport {
    std::string run_id;  ///< that was taken back; empty: there was none
    base::Outcome outcome = base::Outcome::unchanged;
    std::vector<std::string> problems;  ///< what failed after it: services, objects that were not kept
};
/// Takes the last committed run back, trees and databases, after saying what was changed here since and
/// asking; services are stopped meanwhile. With `discard`: gives up that possibility, and the space. Errors:
/// unfit when there is nothing to take back, or when it could not be; any but recovery: nothing live was
/// changed.
void undo(os::Machine& machine, const UndoOptions& options, ui::Console& console,
          base::Cancellation& cancellation, UndoReport& report);

/// The `result` event of an undo, for scripts; `error` is null when it was taken back.
void tell_result(const UndoReport& report, const base::Error* error, int exit_status, ui::Console& console);

/// Tells what ft holds on this machine and what waits for the admin: runs that go on, an unfinished commit,
/// the last run and its undo, staged files, services that are off. Changes nothing and waits for nobody.
/// Errors: usage, io (the state directory cannot be read).
void status(os::Machine& machine, const StatusOptions& options, ui::Console& console);

}  // namespace ft::migrate
