#pragma once

#include <functional>
#include <optional>

namespace ft::os {

/// How a worker ended: with an exit status, or by a signal.
struct WorkerEnd {
    int status = 0;
    std::optional<int> signal{};
};

/// Runs `work` in a child process and waits until it has ended, so that somebody is left to clean up when it
/// is killed. INT, TERM and HUP that come here are passed on to it and do not end this process, now or later:
/// what follows is not to be interrupted either. When this process is killed, the worker gets TERM. `work`
/// begins with these signals blocked (os::Signals takes them from there), its result is the exit status, and
/// it must not throw. To be called before there are threads. Error io when no process can be made.
WorkerEnd supervise(const std::function<int()>& work);

}  // namespace ft::os
