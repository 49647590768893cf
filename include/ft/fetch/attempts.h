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

namespace ft::fetch {

/// When a connection that was lost is made again, and for how long: pauses of 1, 2, 4 ... 30 s, until
/// `retry_for` is over since the loss. One for a run, whose connections share what was fetched. Any thread.
class Attempts {
public:
    /// `retry_for` of zero: never.
    Attempts(os::Clock& clock, ui::Console& console, std::chrono::seconds retry_for)
        : clock_{clock}, console_{console}, retry_for_{retry_for} {}

    /// How one connection fares, from its first loss until the run came further, or (while nothing is pulled)
    /// it has held. One thread at a time.
    struct Outage {
        std::optional<std::chrono::steady_clock::time_point> since;
        unsigned tries = 0;
        std::uint64_t fetched = 0;
        std::chrono::steady_clock::time_point connected{};
    };

    /// The connection is made, again or for the first time.
    void connected(Outage& outage) const { outage.connected = clock_.now(); }
    /// The source was heard on it: while nothing is pulled, what is heard 30 s after it was made ends the
    /// outage. That it only stands does not: a network may pass nothing over it. While something is pulled, a
    /// source that only lives does not either: it may never come to the point.
    void heard(Outage& outage) const;
    /// Something is pulled as long as one of these lives.
    class Pulling {
    public:
        explicit Pulling(Attempts& attempts) : attempts_{attempts} { ++attempts_.pulls_; }
        ~Pulling() { --attempts_.pulls_; }
        Pulling(const Pulling&) = delete;
        Pulling& operator=(const Pulling&) = delete;

    private:
        Attempts& attempts_;
    };

    /// `lost` has ended a connection, or kept it from being made: tells it, and returns when it is time for
    /// the next try. Error `lost` when the time is over, and at once when it is no loss but an answer (any
    /// kind but network); cancelled, also during the pause.
    void pause(Outage& outage, const base::Error& lost, base::Cancellation& cancellation);
    /// How far the run has come, in any unit. When that has grown since a loss, the outage is over for every
    /// connection: time and pauses begin anew with the next loss. What is less than before counts for
    /// nothing.
    void set_fetched(std::uint64_t fetched);
    /// How often a connection was lost; further tries in the same outage do not count.
    unsigned losses() const { return losses_; }

private:
    os::Clock& clock_;
    ui::Console& console_;
    const std::chrono::seconds retry_for_;
    std::atomic<std::uint64_t> fetched_{0};
    std::atomic<unsigned> losses_{0};
    std::atomic<unsigned> pulls_{0};
};

/// Whether the source is there, as the control channel finds out: the other connections wait for it, and end
/// with it. It is there at first. Any thread.
class Presence {
public:
    void lost();
    void back();
    bool is_there() const;
    /// Waits until the source is there; what is returned is requested when it is lost. Error cancelled.
    std::shared_ptr<base::Cancellation> wait(base::Cancellation& cancellation);

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<base::Cancellation> there_ = std::make_shared<base::Cancellation>();  // null: lost
};

}  // namespace ft::fetch
