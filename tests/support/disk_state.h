#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/disk_log.h"
#include "support/memory_disk.h"

namespace ft::test {

constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

/// Lets one thread in, and knows which it is: in_memory_disk().
class DiskMutex {
public:
    void lock() {
        mutex_.lock();
        inside = true;
    }
    void unlock() {
        inside = false;
        mutex_.unlock();
    }
    static thread_local bool inside;

private:
    std::mutex mutex_;
};

/// What all handles of a MemoryDisk share. Its functions are called with `mutex` held.
struct MemoryDisk::State {
    struct Fault {
        std::uint64_t step;  ///< how many more operations of `kind` until it strikes; 1: the next one
        std::string kind;
        int code;
        bool for_ever;
    };

    State();

    /// PowerLoss when the power is gone, or was since the handle of `generation` was made.
    void require_power(std::uint64_t handle_generation) const;
    /// Counts an operation that changes something; the power may end here. Returns the errno that it has to
    /// fail with, or 0.
    int begin_change(std::uint64_t handle_generation, std::string_view kind);
    int begin_read(std::uint64_t handle_generation, std::string_view kind);
    /// Happens now; durable later.
    void change(std::uint64_t device, decltype(Change::what) what);
    /// A new inode without a name; returns its number.
    std::uint64_t make_inode(Inode inode);
    /// A sync on that file system failed: each directory handle of before hears of it once.
    void fail_sync(std::uint64_t device, int code);
    /// How often that happened.
    std::uint64_t failed_syncs(std::uint64_t device) const;

    DiskMutex mutex;
    DiskImage current;
    DiskLog log;
    std::uint64_t generation = 1;
    std::uint64_t next_inode = 1;
    std::uint64_t devices = 1;
    std::uint64_t sequence = 0;
    std::uint64_t operations = 0;
    std::uint64_t power_ends_at = 0;  ///< in `operations`; 0: never
    bool power_lost = false;
    std::uint64_t capacity = kNoEnd;
    std::uint64_t most_names = kNoEnd;
    std::uint64_t shared = 0;  ///< bytes
    std::vector<Fault> faults;
    std::map<std::uint64_t, std::vector<int>> sync_failures;   ///< errno of each, by device
    std::function<void(std::string_view kind)> before_change;  ///< called with `mutex` held

private:
    int strike(std::string_view kind, bool changes);
};

std::unique_ptr<os::Directory> make_memory_directory(std::shared_ptr<MemoryDisk::State> state,
                                                     std::shared_ptr<Inode> inode, const std::string& path);

}  // namespace ft::test
