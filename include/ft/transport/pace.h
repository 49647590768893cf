#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"

namespace ft::transport {

/// How many bytes may pass a second, over all connections that share one. Any thread.
class Pace {
public:
    /// `rate`: bytes a second; 0: no limit. `clock` is referred to.
    Pace(os::Clock& clock, std::uint64_t rate) : clock_{clock}, rate_{rate} {}

    /// `bytes` have passed: returns when the next may. Nothing is saved up while none pass. Error cancelled.
    void hold_back(std::uint64_t bytes, base::Cancellation& cancellation);

private:
    os::Clock& clock_;
    const std::uint64_t rate_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point paid_{};  // what passed is within the rate by then
};

}  // namespace ft::transport
