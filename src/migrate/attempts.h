#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "ft/base/cancellation.h"
#include "ft/base/error.h"
#include "ft/os/machine.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// When a connection that was lost is made again, and for how long: pauses of 1, 2, 4 ... 30 s, until
/// `retry_for` is over since the loss. One for a run, whose connections share what was fetched. Any thread.
class Attempts {
public:
    /// `retry_for` of zero: never.
    Attempts(os::Clock& clock, ui::Console& console, std::chrono::seconds retry_for)
        : clock_{clock}, console_{console}, retry_for_{retry_for} {}

    /// How one connection fares, from its first loss until it has held, or something was fetched again. One
    /// thread at a time.
    struct Outage {
        std::optional<std::chrono::steady_clock::time_point> since;
        unsigned tries = 0;
        std::uint64_t fetched = 0;
        std::chrono::steady_clock::time_point connected{};
    };

    /// The connection is made, again or for the first time.
    void connected(Outage& outage) const { outage.connected = clock_.now(); }
    /// The source was heard on it: what is heard 30 s after it was made ends the outage. That it only stands
    /// does not: a network may pass nothing over it.
    void heard(Outage& outage) const;

    /// `lost` has ended a connection, or kept it from being made: tells it, and returns when it is time for
    /// the next try. Error `lost` when the time is over, and at once when it is no loss but an answer (any
    /// kind but network); cancelled, also during the pause.
    void pause(Outage& outage, const base::Error& lost, base::Cancellation& cancellation);
    /// All that the run has fetched so far, in any unit. When it has grown since a loss, the outage is over
    /// for every connection: time and pauses begin anew with the next loss.
    void set_fetched(std::uint64_t fetched) { fetched_ = fetched; }
    /// How often a connection was lost; further tries in the same outage do not count.
    unsigned losses() const { return losses_; }

private:
    os::Clock& clock_;
    ui::Console& console_;
    const std::chrono::seconds retry_for_;
    std::atomic<std::uint64_t> fetched_{0};
    std::atomic<unsigned> losses_{0};
};

/// Whether the source is there, as the control channel finds out: the other connections wait for it, and end
/// with it. It is there at first. Any thread.
class Presence {
public:
    void lost();
    void back();
    /// Waits until the source is there; what is returned is requested when it is lost. Error cancelled.
    std::shared_ptr<base::Cancellation> wait(base::Cancellation& cancellation);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<base::Cancellation> there_ = std::make_shared<base::Cancellation>();  // null: lost
};

}  // namespace ft::migrate
