#include "migrate/traffic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/database/database.h"

namespace ft::migrate {

Traffic::Traffic(os::Machine& machine, const system::Description& system, os::Directory& state,
                 ui::Console& console)
    : machine_{machine}, system_{system}, console_{console}, services_{machine, state, console} {}

Traffic::~Traffic() {
    try {
        restore();
    } catch (...) {  // what is written down waits for the next start
    }
}

void Traffic::stop(ui::Console& console, base::Cancellation& cancellation) {
    const std::lock_guard lock{mutex_};
    if (!live_) return;
    console.phase("stop", "Stopping production traffic.");
    if (system_.services.empty())
        console.warn("system.json names no services: see to it that nobody changes anything from now on");
    const auto began = machine_.clock().now();
    try {
        services_.stop(records::Side::source, "", system::Phase::final_run, system_.services, cancellation);
    } catch (const base::Error&) {
        start_again();
        throw;
    }
    {
        const std::lock_guard since_lock{since_mutex_};
        since_ = began;
    }
    live_ = false;
    const auto stopped = services_.waiting();
    console.say(fmt::format("Production traffic is stopped{}{}.", stopped.empty() ? "" : ": ",
                            records::joined(stopped)));
    nlohmann::json names = nlohmann::json::array();
    for (const std::string& name : stopped) names.push_back(base::escape(name));
    console.event("traffic_stopped", {{"services", names}});
    warn_of_sessions(console, cancellation);
}

/// Who writes past the services would write what no run fetches.
void Traffic::warn_of_sessions(ui::Console& console, base::Cancellation& cancellation) {
    for (const auto& database : system_.databases) {
        try {
            for (const std::string& who :
                 database::other_sessions({&machine_, &system_, &database}, cancellation)) {
                console.warn(fmt::format("database {} is in use although production is stopped: {}",
                                         base::escape(database.name), who));
            }
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::cancelled) throw;
            console.warn(fmt::format("database {}: who uses it cannot be asked: {}",
                                     base::escape(database.name), error.what()));
        }
    }
}

records::StoppedSince Traffic::stopped_since() const {
    const std::lock_guard lock{since_mutex_};
    return since_;
}

std::vector<std::string> Traffic::start_again() {
    const auto waiting = services_.waiting();
    if (!waiting.empty()) console_.say(fmt::format("Starting {}.", records::joined(waiting)));
    auto failures = services_.start_again();
    if (failures.empty() && !waiting.empty()) console_.say("Production traffic goes on.");
    return failures;
}

std::vector<std::string> Traffic::restore() {
    const std::lock_guard lock{mutex_};
    auto failures = start_again();
    {
        const std::lock_guard since_lock{since_mutex_};
        since_.reset();
    }
    live_ = true;
    return failures;
}

}  // namespace ft::migrate
