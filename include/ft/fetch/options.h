#pragma once

#include <cstdint>

namespace ft::fetch {

/// Whether content travels compressed; automatic: where the link proves to be what limits.
enum class Compress : std::uint8_t { automatic, zstd, none };

/// How a run fetches.
struct Options {
    unsigned max_delete = 50;  ///< percent of a tree's files that a run may remove, unless they are few
    Compress compress = Compress::automatic;
    bool verify_content = false;  ///< compare all files by whole-file checksum, not by size and time
    std::uint64_t rate = 0;       ///< bytes a second that may come, over all transfers; 0: no limit
};

}  // namespace ft::fetch
