#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// The source's production traffic: once stopped, it stays so until ft ends. Any thread.
class Traffic {
public:
    explicit Traffic(os::Machine& machine) : machine_{machine} {}

    /// Production goes on.
    bool live() const { return !stopped_since(); }
    /// Stops it; nothing when it is stopped already.
    void stop(ui::Console& console, base::Cancellation& cancellation);
    /// When stopping it began.
    std::optional<std::chrono::steady_clock::time_point> stopped_since() const {
        const std::lock_guard lock{mutex_};
        return stopped_since_;
    }

private:
    os::Machine& machine_;
    mutable std::mutex mutex_;  // guards stopped_since_
    std::optional<std::chrono::steady_clock::time_point> stopped_since_;
};

}  // namespace ft::migrate
