#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "ft/base/error.h"
#include "ft/wire/compression.h"

namespace ft::wire {

/// First byte of a chunk, with the upper bits of its length.
inline constexpr std::uint8_t kChunk = 0x40;

/// Writes `chunk` (1 to kLongestChunk bytes) behind its head.
void write_chunk(std::span<const std::byte> chunk, base::ByteSink& out);
/// The same for any length, in as many chunks as that takes.
void write_chunks(std::span<const std::byte> data, base::ByteSink& out);

base::Error not_compressed(std::string_view why);

// One frame for the session that never ends, flushed at each end of a run.
std::unique_ptr<Compressor> zstd_compressor(int level);
std::unique_ptr<Decompressor> zstd_decompressor();

// Each chunk is a block of its own.
std::unique_ptr<Compressor> lz4_compressor();
std::unique_ptr<Decompressor> lz4_decompressor();

// Raw deflate, begun anew with each file; the marker 00 00 ff ff of each flush does not travel.
struct Deflate {
    bool knows_blocks = false;  ///< zlib: blocks are part of the history
    int level = 0;              ///< 1 to 9, 0: ours
    bool repeats = false;       ///< protocol 30: of a long block, every piece is the first one again
};
std::unique_ptr<Compressor> deflate_compressor(const Deflate& variant);
std::unique_ptr<Decompressor> deflate_decompressor(const Deflate& variant);

}  // namespace ft::wire
