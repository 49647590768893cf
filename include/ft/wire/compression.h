#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "ft/base/bytes.h"

namespace ft::wire {

/// How literal bytes travel. zlibx knows only them; zlib, of old, the blocks between them too.
enum class Compression : std::uint8_t { none, zstd, lz4, zlibx, zlib };

std::string_view name_of(Compression compression);
/// Nothing for names that are none of ours.
std::optional<Compression> compression_of(std::string_view name);
/// All that compress, in the order in which rsync prefers them; both sides must keep it.
std::span<const Compression> compressions();

/// The longest chunk of compressed bytes.
inline constexpr std::size_t kLongestChunk = 16383;

/// What a sender does to its literal bytes, one for a session. Chunks of 1 to kLongestChunk bytes come out,
/// each by one call of `out`, which takes a chunk with its head. Errors: internal.
class Compressor {
public:
    virtual ~Compressor() = default;
    virtual void begin_file() {}
    virtual void add(std::span<const std::byte> literal, base::ByteSink& out) = 0;
    /// All that was added can be decompressed from what is out.
    virtual void end_run(base::ByteSink& out) = 0;
    /// A block of the basis that is referred to.
    virtual void skip(std::span<const std::byte> /*block*/) {}
};

/// The other side. Error peer for what is no compressed data.
class Decompressor {
public:
    virtual ~Decompressor() = default;
    virtual void begin_file() {}
    /// A chunk, all of which must be taken before the next call.
    virtual void put(std::span<const std::byte> chunk) = 0;
    /// The next piece of what was put, valid until the next call; empty when all is taken.
    virtual std::span<const std::byte> take() = 0;
    /// No chunk follows the last one at once; there may be more to take.
    virtual void end_run() {}
    /// True when every block that is copied from the basis must be told.
    virtual bool wants_blocks() const { return false; }
    virtual void skip(std::span<const std::byte> /*block*/) {}
};

/// Nothing for `none`. `protocol`: of the session. `level`: -9 (fast) to 9 (small), 0: ours; lz4 has none,
/// the zlib ones none below 1.
std::unique_ptr<Compressor> make_compressor(Compression compression, int protocol, int level = 0);
std::unique_ptr<Decompressor> make_decompressor(Compression compression, int protocol);

}  // namespace ft::wire
