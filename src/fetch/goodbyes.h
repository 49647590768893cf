#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>

#include "ft/base/cancellation.h"
#include "ft/base/task_group.h"
#include "ft/transport/connection.h"

namespace ft::fetch {

/// Connections whose pulls have all that they need. What the source still says on them, its goodbye, is heard
/// while the run goes on: on a slow line that is a round trip, and a connection that is closed under it would
/// look lost to the source. What comes of them is of no matter. Any thread.
class Goodbyes {
    // Destroyed, it shuts down the connections that are still open, and joins.
public:
    /// Hears `connection` to its end, on a thread of its own; where there is no room for one, ends it.
    void hear(std::unique_ptr<transport::Connection> connection);
    /// Until all have ended, no longer than `patience`.
    void wait(std::chrono::milliseconds patience);

private:
    std::mutex mutex_;  // guards all up to the empty line
    std::condition_variable changed_;
    std::size_t open_ = 0;

    base::Cancellation ending_;
    base::TaskGroup tasks_{ending_};
};

}  // namespace ft::fetch
