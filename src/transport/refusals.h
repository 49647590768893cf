#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace ft::transport {

/// Turns a flood of refused connections into at most one line an address and minute. Any thread.
class Refusals {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// The line to show for a refusal of `peer` at `now`, with the number of those that were kept back;
    /// nothing: this one is kept back.
    std::optional<std::string> note(const std::string& peer, const std::string& reason, Time now);

private:
    struct Address {
        Time shown;
        std::uint64_t kept_back = 0;
    };
    std::mutex mutex_;
    std::map<std::string, Address> addresses_;
};

}  // namespace ft::transport
