#include "rsync/keep_alive.h"

namespace ft::rsync {

KeepAlive::KeepAlive(wire::FrameWriter& out, std::chrono::milliseconds every)
    : out_{out}, every_{every}, thread_{[this] { run(); }} {}

KeepAlive::~KeepAlive() {
    {
        const std::lock_guard lock{mutex_};
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void KeepAlive::run() {
    std::unique_lock lock{mutex_};
    while (!changed_.wait_for(lock, every_, [&] { return ending_; })) {
        lock.unlock();
        try {
            out_.keep_alive();
        } catch (...) {  // the peer has gone: who reads or writes next finds out why
            return;
        }
        lock.lock();
    }
}

}  // namespace ft::rsync
