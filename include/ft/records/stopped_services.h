#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/records/stopped_record.h"
#include "ft/ui/console.h"

namespace ft::records {

/// The services of this machine while ft keeps them off: written down before anything is stopped, so that
/// whoever comes after a kill can start them again. One thread.
class StoppedServices {
public:
    /// Begins with what an earlier start has written down and could not do. Error recovery as read_stopped.
    StoppedServices(os::Machine& machine, os::Directory& state, ui::Console& console);

    /// Stops those of `services` that are active, in their order. A stop that has begun is let come to its
    /// end (within the service's timeout) before `cancellation` is obeyed: half-stopped services are hard to
    /// start. `before`: the phase of the data that is here until the run is committed, where a run brought
    /// it: services that start without a commit are told that one. Errors: command, cancelled, io; what it
    /// has stopped until then waits for start_again().
    void stop(Side side, const std::string& run_id, system::Phase phase,
              const std::vector<system::ServiceDescription>& services, base::Cancellation& cancellation,
              std::optional<system::Phase> before = {});

    /// What the run is now: it decides which services stay off after its commit. Error io.
    void set_phase(system::Phase phase);
    /// The run is committed: from now on every service is wanted but those that stay off in a rehearsal.
    /// Error io when that cannot be written down; start_again() knows it all the same.
    void commit();

    /// The run whose data was here is taken back: services that start hear `before`, the phase of what is
    /// here now. Error io when that cannot be written down; start_again() knows it all the same.
    void taken_back(system::Phase before);

    /// Starts what is wanted, in reverse order; never interrupted. Returns what does not start, one line
    /// each, which is warned of too and stays written down for the next start. Nothing else stays.
    std::vector<std::string> start_again();

    /// Names of those that ft has stopped, or not started, and that shall run when all is over.
    std::vector<std::string> waiting() const;
    /// Names of those that stay off because this was a rehearsal.
    std::vector<std::string> off_in_rehearsal() const;

private:
    void stop_one(StoppedService& each);
    void start_one(StoppedService& each);

    os::Machine& machine_;
    os::Directory& state_;
    ui::Console& console_;
    std::optional<StoppedRecord> record_;  // as written down; nothing: no service is off because of ft
    bool inherited_;                       // of a run that was killed, perhaps in the middle of a stop
};

/// Names for a line: "app, worker".
std::string joined(const std::vector<std::string>& names);

/// The line that names what stays off after a rehearsal, for the admin.
std::string what_stays_off(const std::vector<std::string>& names);

/// Run `run_id` is committed: should services of its own be written down, they are wanted from now on.
/// Errors: io, recovery.
void want_services_of(os::Directory& state, const std::string& run_id);

/// Run `run_id` is taken back, and `before` is the phase of what is here now: should services of that undo be
/// written down, they hear it when they start. Errors: io, recovery.
void tell_services_of_undo(os::Directory& state, const std::string& run_id, system::Phase before);

/// Services that a killed run has stopped are started again, and it is said which. True when there were any.
bool start_what_was_stopped(os::Machine& machine, os::Directory& state, ui::Console& console);

}  // namespace ft::records
