#include <zstd.h>

#include "ft/base/error.h"
#include "wire/codecs.h"

namespace ft::wire {
namespace {

constexpr int kLevel = 3;  // the library's own choice, and stock rsync's
// A window of 8 MiB, twice what a sender of any level below 20 uses: memory is not the peer's to choose.
constexpr int kLargestWindowLog = 23;

class ZstdCompressor : public Compressor {
public:
    explicit ZstdCompressor(int level) : context_{ZSTD_createCCtx(), ZSTD_freeCCtx}, chunk_(kLongestChunk) {
        if (!context_ || ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel,
                                                             level == 0 ? kLevel : level)))
            throw base::Error{base::ErrorKind::internal, "zstd cannot be prepared"};
    }
    void add(std::span<const std::byte> literal, base::ByteSink& out) override {
        ZSTD_inBuffer in{literal.data(), literal.size(), 0};
        while (in.pos < in.size) step(in, ZSTD_e_continue, out);
    }
    void end_run(base::ByteSink& out) override {
        ZSTD_inBuffer nothing{nullptr, 0, 0};
        while (step(nothing, ZSTD_e_flush, out) > 0) {
        }
    }

private:
    std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective directive, base::ByteSink& out) {
        ZSTD_outBuffer into{chunk_.data(), chunk_.size(), 0};
        const std::size_t left = ZSTD_compressStream2(context_.get(), &into, &in, directive);
        if (ZSTD_isError(left)) {
            throw base::Error{base::ErrorKind::internal,
                              std::string{"zstd fails: "} + ZSTD_getErrorName(left)};
        }
        if (into.pos > 0) write_chunk(std::span{chunk_}.first(into.pos), out);
        return left;
    }

    std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
    base::Bytes chunk_;
};

class ZstdDecompressor : public Decompressor {
public:
    ZstdDecompressor() : context_{ZSTD_createDCtx(), ZSTD_freeDCtx}, piece_(ZSTD_DStreamOutSize()) {
        if (!context_ ||
            ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kLargestWindowLog)))
            throw base::Error{base::ErrorKind::internal, "zstd cannot be prepared"};
    }
    void put(std::span<const std::byte> chunk) override {
        chunk_.assign(chunk.begin(), chunk.end());
        in_ = {chunk_.data(), chunk_.size(), 0};
        full_ = false;
    }
    std::span<const std::byte> take() override {
        while (in_.pos < in_.size || full_) {
            ZSTD_outBuffer out{piece_.data(), piece_.size(), 0};
            const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in_);
            if (ZSTD_isError(result)) throw not_compressed(ZSTD_getErrorName(result));
            full_ = out.pos == out.size;
            if (out.pos > 0) return std::span{piece_}.first(out.pos);
        }
        return {};
    }

private:
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
    base::Bytes chunk_;
    base::Bytes piece_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool full_ = false;  // there may be more than what the last piece had room for
};

}  // namespace

std::unique_ptr<Compressor> zstd_compressor(int level) { return std::make_unique<ZstdCompressor>(level); }
std::unique_ptr<Decompressor> zstd_decompressor() { return std::make_unique<ZstdDecompressor>(); }

}  // namespace ft::wire
