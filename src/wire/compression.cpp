#include "ft/wire/compression.h"

#include <algorithm>
#include <iterator>

#include "ft/wire/reader.h"
#include "ft/wire/writer.h"
#include "wire/codecs.h"

namespace ft::wire {
namespace {

constexpr Compression kPreferred[] = {Compression::zstd, Compression::lz4, Compression::zlibx,
                                      Compression::zlib};
constexpr std::string_view kNames[] = {"none", "zstd", "lz4", "zlibx", "zlib"};  // in the order of the enum

}  // namespace

std::string_view name_of(Compression compression) { return kNames[static_cast<std::size_t>(compression)]; }

std::optional<Compression> compression_of(std::string_view name) {
    const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
    if (found == std::end(kNames)) return std::nullopt;
    return static_cast<Compression>(found - std::begin(kNames));
}

std::span<const Compression> compressions() { return kPreferred; }

void write_chunk(std::span<const std::byte> chunk, base::ByteSink& out) {
    Writer head;
    head.byte(static_cast<std::uint8_t>(kChunk | chunk.size() >> 8));
    head.byte(static_cast<std::uint8_t>(chunk.size() & 0xff));
    out.write(head.written());
    out.write(chunk);
}

void write_chunks(std::span<const std::byte> data, base::ByteSink& out) {
    while (!data.empty()) {
        const auto chunk = data.first(std::min(data.size(), kLongestChunk));
        write_chunk(chunk, out);
        data = data.subspan(chunk.size());
    }
}

base::Error not_compressed(std::string_view why) { return malformed("compressed data", why); }

std::unique_ptr<Compressor> make_compressor(Compression compression, int protocol, int level) {
    switch (compression) {
        case Compression::zstd:
            return zstd_compressor(level);
        case Compression::lz4:
            return lz4_compressor();
        case Compression::zlibx:
            return deflate_compressor({.level = level});
        case Compression::zlib:
            return deflate_compressor({.knows_blocks = true, .level = level, .repeats = protocol < 31});
        default:
            return nullptr;
    }
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression, int protocol) {
    switch (compression) {
        case Compression::zstd:
            return zstd_decompressor();
        case Compression::lz4:
            return lz4_decompressor();
        case Compression::zlibx:
            return deflate_decompressor({});
        case Compression::zlib:
            return deflate_decompressor({.knows_blocks = true, .repeats = protocol < 31});
        default:
            return nullptr;
    }
}

}  // namespace ft::wire
