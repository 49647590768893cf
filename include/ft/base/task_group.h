#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ft/base/cancellation.h"

namespace ft::base {

/// Threads that belong together: the first exception wins, asks the others to stop through `cancellation()`,
/// and is rethrown by `wait` when all have ended. Nothing is detached.
class TaskGroup {
public:
    explicit TaskGroup(Cancellation& parent) : cancellation_{parent} {}
    /// Stops and joins what still runs.
    ~TaskGroup();

    void start(std::string name, std::function<void()> task);
    /// Joins all; rethrows the first exception. A cancelled task does not hide the error that cancelled it.
    void wait();
    /// What tasks register their streams and children with.
    Cancellation& cancellation() { return cancellation_; }

private:
    void run(const std::string& name, const std::function<void()>& task);
    std::exception_ptr why() const;

    Cancellation cancellation_;
    std::mutex mutex_;
    std::exception_ptr first_;
    std::vector<std::thread> threads_;
};

}  // namespace ft::base
