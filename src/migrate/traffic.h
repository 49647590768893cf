#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/records/downtime.h"
#include "ft/records/stopped_services.h"
#include "ft/system/description.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// The source's production traffic: it goes on until somebody stops it, and again when the source ends. Any
/// thread.
class Traffic {
public:
    /// Error recovery when what an earlier source has stopped cannot be read.
    Traffic(os::Machine& machine, const system::Description& system, os::Directory& state,
            ui::Console& console);
    /// As restore().
    ~Traffic();
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    /// Stops the services that are active, in the order of system.json, and says so; nothing to do when that
    /// was done already. When it fails or is cancelled, what was stopped until then is started again. Warns
    /// of sessions of others in the databases. Errors: command, cancelled, io, no_space.
    void stop(ui::Console& console, base::Cancellation& cancellation);

    /// Production goes on, or is just being stopped.
    bool live() const { return live_; }
    /// When stopping it began, once it has stopped: the downtime counts from there. Nothing while production
    /// goes on.
    records::StoppedSince stopped_since() const;

    /// Starts exactly what was active, in reverse order; no signal interrupts it. Returns what does not
    /// start, one line each: the rest is started, and the next start of ft tries these again.
    std::vector<std::string> restore();

private:
    std::vector<std::string> start_again();
    void warn_of_sessions(ui::Console& console, base::Cancellation& cancellation);

    os::Machine& machine_;
    const system::Description& system_;
    ui::Console& console_;
    std::atomic<bool> live_{true};
    std::mutex mutex_;  // guards services_
    records::StoppedServices services_;
    mutable std::mutex since_mutex_;  // guards since_
    records::StoppedSince since_;
};

}  // namespace ft::migrate
