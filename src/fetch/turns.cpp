#include "fetch/turns.h"

namespace ft::fetch {

template <typename Ready>
void Turns::take(const Ready& ready, const std::function<void()>& keep_alive,
                 base::Cancellation& cancellation) {
    bool stopped = false;
    const auto hook = cancellation.on_request([&] {
        const std::lock_guard lock{mutex_};
        stopped = true;
        changed_.notify_all();
    });
    // The cancellation has a lock of its own, and its hook takes ours: neither the check nor the hook's end
    // may come under it.
    for (;;) {
        {
            std::unique_lock lock{mutex_};
            const bool due =
                changed_.wait_for(lock, keep_alive_, [&] { return stopped || (free_ > 0 && ready()); });
            if (due && !stopped) {
                --free_;
                return;
            }
        }
        cancellation.check();
        keep_alive();
    }
}

Turns::Turn::Turn(Turns& turns, base::Cancellation& cancellation) : turns_{turns} {
    turns.take([] { return true; }, [] {}, cancellation);
    held_ = true;
}

Turns::Turn::~Turn() {
    if (!held_) return;
    const std::lock_guard lock{turns_.mutex_};
    ++turns_.free_;
    turns_.changed_.notify_all();
}

void Turns::Turn::compared(std::size_t number, const std::function<void()>& keep_alive,
                           base::Cancellation& cancellation) {
    {
        const std::lock_guard lock{turns_.mutex_};
        const bool again = !turns_.compared_.insert(number).second;
        if (again && turns_.compared_.size() == turns_.awaited_) return;
        ++turns_.free_;
        held_ = false;
        turns_.changed_.notify_all();
    }
    turns_.take([&] { return turns_.compared_.size() == turns_.awaited_; }, keep_alive, cancellation);
    held_ = true;
}

}  // namespace ft::fetch
