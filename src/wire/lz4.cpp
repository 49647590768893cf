#include <lz4.h>

#include <algorithm>
#include <utility>

#include "ft/base/error.h"
#include "wire/codecs.h"

namespace ft::wire {
namespace {

constexpr std::size_t kLongestPiece = 32768;  // decompressed, of a chunk

class Lz4Compressor : public Compressor {
public:
    Lz4Compressor() : chunk_(kLongestChunk) {}
    void add(std::span<const std::byte> literal, base::ByteSink& out) override {
        while (!literal.empty()) {
            std::size_t length = std::min(literal.size(), kLongestChunk);
            int size = 0;
            // What cannot be compressed becomes longer.
            while ((size = compress(literal.first(length))) == 0) length /= 2;
            write_chunk(std::span{chunk_}.first(static_cast<std::size_t>(size)), out);
            literal = literal.subspan(length);
        }
    }
    void end_run(base::ByteSink&) override {}

private:
    int compress(std::span<const std::byte> data) {
        return LZ4_compress_default(reinterpret_cast<const char*>(data.data()),
                                    reinterpret_cast<char*>(chunk_.data()), static_cast<int>(data.size()),
                                    static_cast<int>(chunk_.size()));
    }

    base::Bytes chunk_;
};

class Lz4Decompressor : public Decompressor {
public:
    Lz4Decompressor() : piece_(kLongestPiece) {}
    void put(std::span<const std::byte> chunk) override {
        const int size = LZ4_decompress_safe(reinterpret_cast<const char*>(chunk.data()),
                                             reinterpret_cast<char*>(piece_.data()),
                                             static_cast<int>(chunk.size()), static_cast<int>(piece_.size()));
        if (size <= 0) throw not_compressed("is no block of 1 to 32768 bytes");
        left_ = std::span{piece_}.first(static_cast<std::size_t>(size));
    }
    std::span<const std::byte> take() override { return std::exchange(left_, {}); }

private:
    base::Bytes piece_;
    std::span<const std::byte> left_;
};

}  // namespace

std::unique_ptr<Compressor> lz4_compressor() { return std::make_unique<Lz4Compressor>(); }
std::unique_ptr<Decompressor> lz4_decompressor() { return std::make_unique<Lz4Decompressor>(); }

}  // namespace ft::wire
