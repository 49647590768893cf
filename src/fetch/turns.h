#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>

#include "ft/base/cancellation.h"

namespace ft::fetch {

/// The order among the pulls of a fetch: a few work at the same time, and none stages anything before all
/// have compared and booked their space, so that what does not fit is known before a disk fills. Any thread.
class Turns {
public:
    /// Of `pulls` pulls, `at_once` at a time. Who waits with an open connection shows life every
    /// `keep_alive`, far below transport::Limits::transfer_idle.
    Turns(std::size_t at_once, std::size_t pulls,
          std::chrono::milliseconds keep_alive = std::chrono::minutes{5})
        : free_{at_once}, awaited_{pulls}, keep_alive_{keep_alive} {}

    /// The right to work, until it is destroyed.
    class Turn {
    public:
        /// Waits for it. Error cancelled.
        Turn(Turns& turns, base::Cancellation& cancellation);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        /// Pull `number` has compared, perhaps once more after a loss: lets others work until all have. At
        /// once when a pull that is tried again finds that they had. While it waits it calls `keep_alive` on
        /// this thread, whose errors end the waiting. Error cancelled.
        void compared(std::size_t number, const std::function<void()>& keep_alive,
                      base::Cancellation& cancellation);

    private:
        Turns& turns_;
        bool held_ = false;
    };

private:
    /// Takes a turn once one is free and `ready` is true; meanwhile `keep_alive`. Error cancelled.
    template <typename Ready>
    void take(const Ready& ready, const std::function<void()>& keep_alive, base::Cancellation& cancellation);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t free_;  // turns
    const std::size_t awaited_;
    const std::chrono::milliseconds keep_alive_;
    std::set<std::size_t> compared_;
};

}  // namespace ft::fetch
