#include "rsync/write_behind.h"

namespace ft::rsync {
namespace {

constexpr std::uint64_t kFile = 32 * 1024;            // bytes that would cost what a file does beside its own
constexpr std::uint64_t kEnough = 128 * 1024 * 1024;  // bytes; below, the sync at the end is short by itself

}  // namespace

void WriteBehind::note(std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    cost_ += kFile + bytes;
    if (cost_ >= kEnough) changed_.notify_one();
}

void WriteBehind::close() noexcept {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
}

void WriteBehind::work(const std::function<void()>& sync) {
    std::unique_lock lock{mutex_};
    while (true) {
        changed_.wait(lock, [&] { return cost_ >= kEnough || closed_; });
        if (closed_) return;
        cost_ = 0;
        lock.unlock();
        sync();
        lock.lock();
    }
}

}  // namespace ft::rsync
