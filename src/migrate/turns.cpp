#include "migrate/turns.h"

namespace ft::migrate {

template <typename Ready>
std::unique_lock<std::mutex> Turns::wait(const Ready& ready, base::Cancellation& cancellation) {
    bool stopped = false;
    const auto hook = cancellation.on_request([&] {
        const std::lock_guard lock{mutex_};
        stopped = true;
        changed_.notify_all();
    });
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return stopped || ready(); });
    if (!stopped) return lock;
    lock.unlock();  // the cancellation has a lock of its own, and its hook takes ours
    cancellation.check();
    return lock;
}

Turns::Turn::Turn(Turns& turns, base::Cancellation& cancellation) : turns_{turns} {
    const auto lock = turns.wait([&] { return turns.free_ > 0; }, cancellation);
    --turns.free_;
    held_ = true;
}

Turns::Turn::~Turn() {
    if (!held_) return;
    const std::lock_guard lock{turns_.mutex_};
    ++turns_.free_;
    turns_.changed_.notify_all();
}

void Turns::Turn::compared(std::size_t number, base::Cancellation& cancellation) {
    {
        const std::lock_guard lock{turns_.mutex_};
        if (!turns_.compared_.insert(number).second) return;
        ++turns_.free_;
        held_ = false;
        turns_.changed_.notify_all();
    }
    const auto all = [&] { return turns_.compared_.size() == turns_.awaited_ && turns_.free_ > 0; };
    const auto lock = turns_.wait(all, cancellation);
    --turns_.free_;
    held_ = true;
}

}  // namespace ft::migrate
