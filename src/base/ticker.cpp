#include "ft/base/ticker.h"

#include <utility>

namespace ft::base {

Ticker::Ticker(std::chrono::milliseconds interval, std::function<void()> action)
    : interval_{interval}, action_{std::move(action)}, thread_{[this] { run(); }} {}

Ticker::~Ticker() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Ticker::run() {
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, interval_, [&] { return stopping_; })) {
        lock.unlock();
        try {
            action_();
        } catch (...) {
            return;
        }
        lock.lock();
    }
}

}  // namespace ft::base
