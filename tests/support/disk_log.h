#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <span>
#include <utility>
#include <vector>

#include "support/disk_image.h"
#include "support/memory_disk.h"

namespace ft::test {

/// What has reached the disk, and the changes that have not yet.
class DiskLog {
public:
    /// An object that nobody can reach until a change gives it a name.
    void add(const Inode& inode) { durable_.add(inode); }
    void append(Change change) { pending_.push_back(std::move(change)); }

    /// Content and attributes of one inode; of a directory also the changes of names that touch it, with the
    /// earlier ones that these rest on.
    void sync_inode(std::uint64_t inode);
    void sync_device(std::uint64_t device);
    /// As a failed sync does: writes that these would have brought to the disk are given up by the system.
    void give_up_inode(std::uint64_t inode);
    void give_up_device(std::uint64_t device);
    /// What the disk has of a file, which is all that is left of it now; null while writes are still to come.
    const Content* forget_given_up(std::uint64_t inode);

    /// Ends all pending changes, each kept or lost by `seed` (0: all lost, 1: all kept); returns what is
    /// left.
    DiskImage settle(std::uint64_t seed);

    DiskLog copy() const;
    std::size_t pending() const { return pending_.size(); }
    std::vector<Fate> fates(std::size_t index) const;
    /// Ends all pending changes, with a fate for each.
    void settle(std::span<const Fate> fates);
    const DiskImage& durable() const { return durable_; }

private:
    void make_durable(const std::function<bool(const Change&)>& wanted);

    DiskImage durable_;
    std::list<Change> pending_;
};

}  // namespace ft::test
