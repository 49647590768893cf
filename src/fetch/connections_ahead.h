#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/task_group.h"
#include "ft/os/machine.h"
#include "ft/transport/connection.h"

namespace ft::fetch {

/// Connections for a run's first pulls, made while the source still makes its backup and this side checks: on
/// a slow line each costs two round trips. They stand for 20 s. One that cannot be made, or that nobody takes
/// in that time, is none, and nobody is told: who pulls makes another one. Any thread.
class ConnectionsAhead {
public:
    using Connect = std::function<std::unique_ptr<transport::Connection>(base::Cancellation&)>;
    /// Begins to make `count`, each by `connect` on a thread of its own; fewer where there is no room for
    /// threads. `clock` is referred to.
    ConnectionsAhead(os::Clock& clock, std::size_t count, const Connect& connect);
    /// Ends those that nobody took.
    ~ConnectionsAhead();
    ConnectionsAhead(const ConnectionsAhead&) = delete;
    ConnectionsAhead& operator=(const ConnectionsAhead&) = delete;

    /// One of them, as soon as it stands; null: there is none any more. Error cancelled.
    std::unique_ptr<transport::Connection> take(base::Cancellation& cancellation);

private:
    using Connections = std::vector<std::unique_ptr<transport::Connection>>;

    void make(const Connect& connect);
    void expire();
    static void end(const Connections& connections);

    std::mutex mutex_;  // guards all up to the empty line
    std::condition_variable changed_;
    std::size_t coming_;  // may stand soon
    Connections ready_;
    bool expired_ = false;

    base::Cancellation ending_;
    base::TaskGroup tasks_{ending_};
};

}  // namespace ft::fetch
