#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>

#include "os/fd.h"

namespace ft::os {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// Ends waits: set once, by any thread, and never reset. A wait includes `number()` for POLLIN.
class Wake {
public:
    Wake();
    void set() const noexcept;
    int number() const noexcept { return fd_.number(); }

private:
    Fd fd_;
};

/// poll, until one of `what` has something to say (true) or `deadline` has come (false).
bool wait_for(std::span<pollfd> what, const Deadline& deadline);

}  // namespace ft::os
