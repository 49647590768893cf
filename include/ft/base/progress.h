#pragma once

#include <atomic>
#include <cstdint>

namespace ft::base {

/// What a transfer has done so far, written by its threads and read by the ticker.
struct Progress {
    std::atomic<std::uint64_t> files_listed{0};  ///< entries of the file list
    std::atomic<std::uint64_t> files_wanted{0};  ///< files that must be transferred
    std::atomic<std::uint64_t> bytes_wanted{0};  ///< their sizes, in bytes
    std::atomic<std::uint64_t> files_done{0};
    std::atomic<std::uint64_t> bytes_done{0};      ///< content complete, literal or from the basis
    std::atomic<std::uint64_t> bytes_checked{0};   ///< staged by an earlier run, read again
    std::atomic<std::uint64_t> bytes_verified{0};  ///< live, read to compare their content
    std::atomic<std::uint64_t> files_adopted{0};   ///< staged by an earlier run, not asked for
    std::atomic<std::uint64_t> bytes_adopted{0};   ///< their sizes, in bytes
    std::atomic<std::uint64_t> bytes_literal{0};   ///< of these, sent as literal bytes
    std::atomic<std::uint64_t> bytes_matched{0};   ///< taken from basis files, of files under way too
};

}  // namespace ft::base
