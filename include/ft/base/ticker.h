#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace ft::base {

/// How often a side of a connection that has nothing to say shows life; far below what any peer waits.
inline constexpr std::chrono::seconds kAliveInterval{5};

/// Calls `action` on a thread of its own every `interval` until destroyed. An action that throws is not
/// called again: what it talked to has gone, and whoever reads from there finds out why.
class Ticker {
public:
    Ticker(std::chrono::milliseconds interval, std::function<void()> action);
    ~Ticker();
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

private:
    void run();

    const std::chrono::milliseconds interval_;
    const std::function<void()> action_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace ft::base
