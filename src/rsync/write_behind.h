#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace ft::rsync {

/// When what was staged goes to the disk while more is fetched, so that the end need not wait for all of it.
class WriteBehind {
public:
    /// A file of so many bytes was staged. Any thread.
    void note(std::uint64_t bytes);
    /// What is noted from now on is left to who syncs all in the end.
    void close() noexcept;
    /// A thread of its own: calls `sync` whenever enough is there, until close.
    void work(const std::function<void()>& sync);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t cost_ = 0;
    bool closed_ = false;
};

}  // namespace ft::rsync
