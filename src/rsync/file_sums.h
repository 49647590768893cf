#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/digest.h"
#include "ft/os/file.h"
#include "ft/tree/compare.h"
#include "ft/tree/listing.h"

namespace ft::rsync {

/// Calls `alive` after each 64 MiB that one thread hashes, over as many files as they take: a peer that waits
/// wants to see life. A file counts as 1 MiB beside its content: what a disk could read while it finds it.
class HashedBytes {
public:
    explicit HashedBytes(std::function<void()> alive) : alive_{std::move(alive)} {}
    void begin_file() { add(kFile); }
    void add(std::uint64_t bytes);

private:
    static constexpr std::uint64_t kFile = 1024 * 1024;
    static constexpr std::uint64_t kAtOnce = 64 * kFile;
    const std::function<void()> alive_;
    std::uint64_t since_alive_ = 0;
};

/// Checksum of the first `size` bytes of `file`, or of all that it has, counted by `hashed`; holes are not
/// read. Errors: io, and what `hashed` throws.
base::Digest digest_of_file(const os::File& file, std::uint64_t size, base::DigestKind kind,
                            HashedBytes& hashed);

/// Whole-file checksums of a listing's regular files, by order of arrival; what is no file has an empty one.
class FileSums {
public:
    FileSums() = default;
    explicit FileSums(base::DigestKind kind) : kind_{kind} {}
    void set(std::size_t arrival, const base::Digest& digest);
    base::Digest of(std::size_t arrival) const;
    base::DigestKind kind() const { return kind_; }
    bool empty() const { return sums_.empty(); }

private:
    static constexpr std::size_t kLongest = 16;
    base::DigestKind kind_ = base::DigestKind::xxh128;
    std::vector<std::array<std::byte, kLongest>> sums_;
    std::vector<bool> known_;
};

/// Reads all files of a scanned tree, each object of several names once; `read` counts the bytes. Errors: io,
/// permission, cancelled.
FileSums sums_of(const os::Directory& root, const tree::Listing& listing, base::DigestKind kind,
                 std::atomic<std::uint64_t>& read, base::Cancellation& cancellation);

/// Of a difference between two files: their size and time are equal.
bool is_equal_by_time(tree::Difference::Kind kind);

/// Both sides' checksums, which say more than size and time do. Refers to all four.
class ContentCheck {
public:
    ContentCheck(const tree::Listing& wanted, const FileSums& theirs, const tree::Listing& live,
                 const FileSums& ours)
        : wanted_{wanted}, theirs_{theirs}, live_{live}, ours_{ours} {}

    /// The difference with what the checksums make of it: content where they differ though size and time do
    /// not; no more than attributes where only the time does, and neither has extended ones.
    tree::Difference judge(const tree::Difference& found) const;
    /// Of a wanted file.
    base::Digest wanted(std::size_t index) const { return theirs_.of(wanted_.arrival(index)); }
    base::DigestKind kind() const { return theirs_.kind(); }

private:
    const tree::Listing& wanted_;
    const FileSums& theirs_;
    const tree::Listing& live_;
    const FileSums& ours_;
};

}  // namespace ft::rsync
