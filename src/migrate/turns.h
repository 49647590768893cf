#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>

#include "ft/base/cancellation.h"

namespace ft::migrate {

/// The order among the pulls of a fetch: a few work at the same time, and none stages anything before all
/// have compared and booked their space, so that what does not fit is known before a disk fills. Any thread.
class Turns {
public:
    /// Of `pulls` pulls, `at_once` at a time.
    Turns(std::size_t at_once, std::size_t pulls) : free_{at_once}, awaited_{pulls} {}

    /// The right to work, until it is destroyed.
    class Turn {
    public:
        /// Waits for it. Error cancelled.
        Turn(Turns& turns, base::Cancellation& cancellation);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        /// Pull `number` has compared: lets others work until all have. At once when they had, and for a pull
        /// that is tried again. Error cancelled.
        void compared(std::size_t number, base::Cancellation& cancellation);

    private:
        Turns& turns_;
        bool held_ = false;
    };

private:
    /// Takes a turn once one is free and `ready` is true. Error cancelled.
    template <typename Ready>
    void take(const Ready& ready, base::Cancellation& cancellation);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t free_;  // turns
    const std::size_t awaited_;
    std::set<std::size_t> compared_;
};

}  // namespace ft::migrate
