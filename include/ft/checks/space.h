#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ft/os/file.h"

namespace ft::checks {

/// Room that an admin can make on a file system.
struct Freeable {
    std::uint64_t pool = 0;  ///< os::Space::pool
    std::uint64_t bytes = 0;
    std::string how;  ///< "`ft discard` frees what failed runs have staged"
};

/// Sums what a run will need on each file system, and refuses before it is needed. Any thread.
class Space {
public:
    /// `freeable` is asked only when something does not fit, for the advice.
    explicit Space(std::function<std::vector<Freeable>()> freeable = {}) : freeable_{std::move(freeable)} {}

    /// Books `bytes` and `inodes` on the file system that holds `directory`, for `what` ("tree data").
    /// Error no_space, naming directory, need and what is free, when all that was booked there does not fit
    /// with a margin (64 MiB, or a twentieth of a small file system). Booked again for the same `what`, only
    /// what goes beyond the first booking counts: so what an attempt that was broken off has put there is to
    /// be booked again with the rest.
    void book(const os::Directory& directory, const std::string& what, std::uint64_t bytes,
              std::uint64_t inodes);

    /// What was booked lies on the disks now: what is free is looked at again.
    void begin_again();

private:
    struct Amount {
        std::uint64_t bytes = 0;
        std::uint64_t inodes = 0;
    };
    struct Booked {
        std::uint64_t free_bytes = 0;  // when it was first seen: later bookings are already being used up
        std::uint64_t free_inodes = 0;
        Amount sum;
        std::map<std::string, Amount> of;  // by what
    };
    std::string advice(std::uint64_t pool) const;

    const std::function<std::vector<Freeable>()> freeable_;
    std::mutex mutex_;
    std::map<std::uint64_t, Booked> by_pool_;
};

}  // namespace ft::checks
