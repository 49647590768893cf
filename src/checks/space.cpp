#include "ft/checks/space.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::checks {
namespace {

constexpr std::uint64_t kLargestMargin = 64u << 20;

/// Megabytes with one decimal: the same unit for both numbers of a comparison.
std::string megabytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

void Space::book(const os::Directory& directory, const std::string& what, std::uint64_t bytes,
                 std::uint64_t inodes) {
    const os::Space space = directory.space();
    const std::lock_guard lock{mutex_};
    const auto [at, first] = by_pool_.try_emplace(space.pool);
    Booked& booked = at->second;
    if (first) {
        const std::uint64_t margin = std::min(kLargestMargin, space.total_bytes / 20);
        booked.free_bytes = space.free_bytes > margin ? space.free_bytes - margin : 0;
        booked.free_inodes = space.free_inodes;
    }
    Amount& mine = booked.of[what];
    const auto raise = [](std::uint64_t& to, std::uint64_t wanted, std::uint64_t& sum) {
        if (wanted <= to) return;
        sum += wanted - to;
        to = wanted;
    };
    raise(mine.bytes, bytes, booked.sum.bytes);
    raise(mine.inodes, inodes, booked.sum.inodes);
    if (booked.sum.bytes > booked.free_bytes) {
        throw base::Error{
            base::ErrorKind::no_space,
            fmt::format("{}: {} needs {} more, {} in all with the rest of this run; {} can be used",
                        base::escape(directory.path()), what, megabytes(bytes), megabytes(booked.sum.bytes),
                        megabytes(booked.free_bytes)),
            advice(space.pool) + "Free space on that file system, then run the same command again."};
    }
    if (booked.sum.inodes > booked.free_inodes) {
        throw base::Error{
            base::ErrorKind::no_space,
            fmt::format("{}: {} needs {} new files, the file system has room for {}",
                        base::escape(directory.path()), what, booked.sum.inodes, booked.free_inodes),
            advice(space.pool) + "Remove files on that file system, then run the same command again."};
    }
}

std::string Space::advice(std::uint64_t pool) const {
    std::string text;
    if (!freeable_) return text;
    for (const Freeable& each : freeable_()) {
        if (each.pool == pool && each.bytes > 0)
            text += fmt::format("{} ({}). ", each.how, megabytes(each.bytes));
    }
    return text;
}

void Space::begin_again() {
    const std::lock_guard lock{mutex_};
    by_pool_.clear();
}

}  // namespace ft::checks
