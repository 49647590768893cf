#include "rsync/whole_files.h"

#include <utility>

#include "ft/base/error.h"

namespace ft::rsync {

void WholeFiles::require_running() const {
    if (stopped_) throw base::Error{base::ErrorKind::cancelled, "interrupted by the end of the transfer"};
}

void WholeFiles::add(Whole whole) {
    std::unique_lock lock{mutex_};
    if (waiting_bytes_ >= kMostBytes) {
        // Who woke for each file that is gone would cost more than the file.
        has_room_.wait(lock, [&] { return waiting_bytes_ < kMostBytes / 2 || stopped_; });
    }
    require_running();
    waiting_bytes_ += sizeof whole + whole.content.size();
    waiting_.push_back(std::move(whole));
    has_work_.notify_one();
}

void WholeFiles::wait_until_staged() {
    std::unique_lock lock{mutex_};
    has_room_.wait(lock, [&] { return (waiting_.empty() && in_work_ == 0) || stopped_; });
    require_running();
}

void WholeFiles::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    has_work_.notify_all();
}

void WholeFiles::work(const std::function<void(Whole)>& stage) {
    std::unique_lock lock{mutex_};
    while (true) {
        has_work_.wait(lock, [&] { return !waiting_.empty() || closed_ || stopped_; });
        if (waiting_.empty() || stopped_) return;
        Whole whole = std::move(waiting_.front());
        waiting_.pop_front();
        const std::size_t bytes = sizeof whole + whole.content.size();
        ++in_work_;
        lock.unlock();
        stage(std::move(whole));
        lock.lock();
        --in_work_;
        const bool was_full = waiting_bytes_ >= kMostBytes / 2;
        waiting_bytes_ -= bytes;
        const bool has_room = was_full && waiting_bytes_ < kMostBytes / 2;
        if (has_room || (waiting_.empty() && in_work_ == 0)) has_room_.notify_one();
    }
}

void WholeFiles::stop() noexcept {
    const std::lock_guard lock{mutex_};
    stopped_ = true;
    has_room_.notify_all();
    has_work_.notify_all();
}

}  // namespace ft::rsync
