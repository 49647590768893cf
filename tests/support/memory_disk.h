#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/entry.h"
#include "ft/os/file.h"

namespace ft::test {

/// The power is gone. Not a std::exception: no handler of ft can take it for an error. Once it was thrown
/// every further call on the disk throws it again, on every thread, until restart; releases (destructors) do
/// nothing.
struct PowerLoss {};

/// What a restart makes of changes that were not synced: each of them is kept or lost by this seed; of a
/// write a first part may be kept, or the size without the bytes. Seed 0 loses all of them, seed 1 keeps all.
enum class Seed : std::uint64_t {};

/// An object as read_tree tells it; equality is what "exact replica" means.
struct TreeObject {
    base::FileType type = base::FileType::regular;
    base::Attributes attributes;  ///< of links without mode (0)
    std::string content;          ///< of files; target of links; "major:minor" of devices
    std::string extended{};       ///< ACLs and extended attributes, packed (base/extended.h)
    bool operator==(const TreeObject&) const = default;
};
/// Path from the root of the tree ("." itself included) -> object.
using Tree = std::map<std::string, TreeObject>;

class DiskLog;

/// What a power loss makes of one change that was not synced.
enum class Fate : std::uint8_t {
    lost,
    kept,
    half,  ///< of a write: the first half of it
    size,  ///< of a write: the size that it gave to the file, without the bytes
    tail   ///< of a write: that, and the second half of it
};

/// A disk between two operations: what has reached it, and what has not yet. A value.
class DiskMoment {
public:
    /// Kind of the operation that came next (as MemoryDisk::fail names them); empty after the last.
    const std::string& next() const { return next_; }
    std::size_t pending() const;
    /// What can become of pending change number `index`, from the earliest.
    std::vector<Fate> fates(std::size_t index) const;
    /// After a loss of power at this moment, one fate for each pending change. A change that no longer makes
    /// sense, because one was lost on which it rests, is lost too.
    DiskMoment after_loss(std::span<const Fate> fates) const;
    /// The same text for disks on which everything but ctimes is the same. Times that no set_attributes gave
    /// all count as one.
    std::string fingerprint() const;

private:
    friend class MemoryDisk;
    std::shared_ptr<const DiskLog> log_;
    std::uint64_t sequence_ = 0;
    std::uint64_t next_inode_ = 0;
    std::string next_;
};

/// A disk in memory with the rules of a careless file system: data is durable after a sync of its file or
/// file system; a name (made, removed, renamed, exchanged) after a sync of a directory that it touches or the
/// file system; attributes after a sync of that file or directory itself or of the file system (so those of
/// links and devices by the file system alone). Everything else may be lost or kept in any combination at
/// power loss, with three limits: a rename or exchange is atomic; a synced name brings the earlier changes of
/// that name with it, and a synced move or removal of a directory all earlier changes of names. Every change
/// moves mtime and ctime. Thread-safe. It implements os::Directory and os::File with the contract of
/// ft/os/file.h and answers as the real one does (directory_contract_test.cpp compares them).
class MemoryDisk {
public:
    MemoryDisk();
    ~MemoryDisk();
    MemoryDisk(const MemoryDisk&) = delete;
    MemoryDisk& operator=(const MemoryDisk&) = delete;

    /// The directory at absolute `path` ("/" exists). Handles of before a restart must not be used after it.
    std::unique_ptr<os::Directory> open(const std::string& path);
    /// Makes the (empty) directory at absolute `path` a file system of its own: renames across it fail
    /// (EXDEV), device numbers differ, sync_file_system covers it alone.
    void mount(const std::string& path);
    /// Room for content, in bytes; writes beyond it fail with ENOSPC. Default: no end.
    void set_capacity(std::uint64_t bytes);

    /// Names that one object may have, as it tells; further ones are made all the same. Default: no end.
    void set_most_names(std::uint64_t names);
    /// Bytes that files share since they exist (os::File::share); each file takes room for its own.
    std::uint64_t shared() const;

    /// Changing operations so far (writes, creates, renames, removals, attribute changes, syncs).
    std::uint64_t operations() const;
    /// Calls `action`; changing operation number `step` of it (from 1) and everything after it does not
    /// happen: PowerLoss. True when `action` ended before that (its exceptions pass through).
    bool run_until_power_loss(std::uint64_t step, const std::function<void()>& action);
    /// The power goes now.
    void lose_power();
    /// The machine starts again after a power loss (or, without one, a plain stop: all is kept). Inode
    /// numbers stay.
    void restart(Seed seed);
    DiskMoment now() const;
    /// The disk before each changing operation of `action`, and after the last.
    std::vector<DiskMoment> moments_of(const std::function<void()>& action);
    /// The machine starts with the disk as it was then; changes that were pending are kept. Mounts and
    /// capacity are not part of a moment.
    void restart_from(const DiskMoment& moment);
    /// The next operation number `step` (from 1) of `kind` fails with `code`; nothing of it happens. From
    /// then on all succeed again, or all of that kind fail with `for_ever`. Kinds: "create", "write", "size",
    /// "attributes", "extended", "link", "rename", "exchange", "remove", "sync" ("" is any of these), and
    /// "open", "read", "list", "status", "space". Writes that a failed sync should have made durable never
    /// become so by a later one; of it hears, once, each handle of a directory on that file system that was
    /// opened before, by its next sync_file_system (as Linux has it). A restart ends it.
    void fail(std::uint64_t step, const std::string& kind, int code, bool for_ever = false);

    struct State;

private:
    DiskMoment moment(std::string_view next) const;

    std::shared_ptr<State> state_;
};

/// Whether this thread is inside a call on a MemoryDisk: what that allocates is no affair of what is tested.
bool in_memory_disk();

/// Makes exactly `tree` below `directory` (which exists, and is emptied), durable.
void write_tree(os::Directory& directory, const Tree& tree);
/// All below `directory`; the name `without` directly in it is left out.
Tree read_tree(const os::Directory& directory, const std::string& without = ".ft-staging");

}  // namespace ft::test
