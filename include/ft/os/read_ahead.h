#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "ft/base/bytes.h"
#include "ft/os/file.h"

namespace ft::os {

/// Reads content from the front to its end, in pieces; where these are many, with a thread of its own that
/// reads on while what came before is worked at. Holds three pieces in memory. Used by one thread.
class ReadAhead {
public:
    /// Fills what it is given with the content at an offset, and returns how much there was. Called in order,
    /// perhaps on another thread; the first that is short or throws is the last.
    using Read = std::function<std::size_t(std::uint64_t offset, std::span<std::byte> into)>;
    /// Of `length` bytes from `offset`; each piece has `piece` bytes but the last.
    ReadAhead(Read read, std::uint64_t offset, std::uint64_t length, std::size_t piece);
    ~ReadAhead();
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    /// The bytes that follow, valid until the next call; nothing at the end. Throws what `read` has thrown,
    /// where it has.
    std::span<const std::byte> next();

private:
    static constexpr std::size_t kPieces = 3;
    void run();
    bool read_next(base::Bytes& piece);

    const Read read_;
    const std::size_t piece_;
    // Of what was not read yet:
    std::uint64_t offset_;
    std::uint64_t length_;

    std::mutex mutex_;
    std::condition_variable changed_;
    base::Bytes pieces_[kPieces];
    std::uint64_t read_count_ = 0;   // pieces that were read
    std::uint64_t taken_count_ = 0;  // pieces that next has given
    bool ended_ = false;
    bool stopped_ = false;
    std::exception_ptr failure_;
    std::thread thread_;
};

/// Reads `file`, which is to outlive it. `sparse`: it may have holes, whose zeros are made here; the system
/// would use memory for each of them.
ReadAhead::Read content_of(const File& file, bool sparse);

}  // namespace ft::os
