#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/os/file.h"
#include "ft/wire/reader.h"
#include "ft/wire/sum_head.h"
#include "ft/wire/tokens.h"

namespace ft::rsync {

/// No basis file is cut into more blocks: what a client's sums may cost us is 2 GiB, all of it received.
inline constexpr std::int32_t kMostBlocks = 1 << 26;

/// The block checksums of a client's basis file, and where to find a block by its weak one.
class BlockSums {
public:
    BlockSums() = default;
    /// Reads head and sums; memory grows with what arrives. Error peer.
    BlockSums(wire::Reader& in, std::int32_t digest_bytes);

    const wire::SumHead& head() const { return head_; }
    bool empty() const { return weak_.empty(); }
    /// The basis block with the content of `window`, or -1. Tries `expected` (may be no block) first, then at
    /// most 1024 others.
    std::int32_t find(std::uint32_t weak, std::span<const std::byte> window, wire::StrongSum& strong,
                      std::int32_t expected) const;
    /// Whether `block` (may be none) is there and has that content.
    bool is(std::int32_t block, std::uint32_t weak, std::span<const std::byte> window,
            wire::StrongSum& strong) const;

private:
    /// `digest`: of the window, once somebody needed it.
    bool is(std::int32_t block, std::uint32_t weak, std::span<const std::byte> window,
            wire::StrongSum& strong, std::optional<base::Digest>& digest) const;
    static constexpr int kFilterBits = 8;  // a bucket: nine of ten misses cost one bit, which the cache holds
    std::uint64_t spread(std::uint32_t weak) const { return weak * std::uint64_t{0x9E3779B97F4A7C15}; }
    std::size_t bucket(std::uint32_t weak) const { return spread(weak) >> (shift_ + 32); }
    std::size_t filter_bit(std::uint32_t weak) const { return spread(weak) >> (shift_ + 29); }

    wire::SumHead head_;
    std::vector<std::uint32_t> weak_;
    base::Bytes strong_;                  // head_.strong bytes a block
    std::vector<std::int32_t> first_;     // bucket -> block, -1 at the end
    std::vector<std::int32_t> next_;      // block -> next block of its bucket
    std::vector<std::uint64_t> present_;  // a bit for each weak sum that some block has
    int shift_ = 31;
};

/// What became of a file's content on its way.
struct SentContent {
    std::uint64_t literal = 0;  ///< bytes
    std::uint64_t matched = 0;  ///< bytes
    bool shorter = false;       ///< it ended before `size`
    std::string fault;          ///< why it could not be read to its end; empty: it could
    base::Digest digest;        ///< of what was sent
};

/// Sends the first bytes of `file`, as many as `status` says, as tokens: blocks of the basis where it has
/// them, else literal bytes. Holes are not read. `alive` is called after each 64 MiB: of a file that is all
/// blocks little is sent.
SentContent send_content(const os::File& file, const os::Status& status, const BlockSums& sums,
                         wire::StrongSum& strong, base::DigestKind whole, wire::TokenWriter& out,
                         const std::function<void()>& alive);

}  // namespace ft::rsync
