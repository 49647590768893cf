#include <zlib.h>

#include <algorithm>
#include <array>

#include "ft/base/error.h"
#include "wire/codecs.h"

namespace ft::wire {
namespace {

constexpr int kWindow = -15;  // raw, 32 KiB
constexpr int kMemory = 8;
constexpr std::size_t kPiece = 32768;
constexpr std::size_t kLongestStored = 65535;  // bytes of a stored block
constexpr std::array<std::byte, 4> kMarker{std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

void set_input(z_stream& stream, std::span<const std::byte> data) {
    // zlib reads only, whatever its type says.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));  // NOLINT
    stream.avail_in = static_cast<uInt>(data.size());
}

/// The pieces of a block that get into the history.
template <typename Each>
void for_each_piece(std::span<const std::byte> block, bool repeats, const Each& each) {
    for (std::size_t at = 0; at < block.size(); at += kLongestStored) {
        const std::size_t length = std::min(block.size() - at, kLongestStored);
        each(block.subspan(repeats ? 0 : at, length));
    }
}

class DeflateCompressor : public Compressor {
public:
    explicit DeflateCompressor(const Deflate& variant) : variant_{variant}, room_(kPiece) {
        const int level = variant.level > 0 ? variant.level : Z_DEFAULT_COMPRESSION;
        if (deflateInit2(&stream_, level, Z_DEFLATED, kWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
            throw base::Error{base::ErrorKind::internal, "zlib cannot be prepared"};
    }
    ~DeflateCompressor() override { deflateEnd(&stream_); }
    DeflateCompressor(const DeflateCompressor&) = delete;
    DeflateCompressor& operator=(const DeflateCompressor&) = delete;

    void begin_file() override { deflateReset(&stream_); }
    void add(std::span<const std::byte> literal, base::ByteSink& out) override {
        while (!literal.empty()) {
            const auto piece = literal.first(std::min(literal.size(), kPiece));
            run(piece, Z_NO_FLUSH);
            literal = literal.subspan(piece.size());
            // The end of it may be that of the run, which has a marker to be cut off.
            if (ready_.size() <= kLongestChunk + kMarker.size()) continue;
            const std::size_t whole = (ready_.size() - kMarker.size()) / kLongestChunk * kLongestChunk;
            write_chunks(std::span{ready_}.first(whole), out);
            ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(whole));
        }
    }
    void end_run(base::ByteSink& out) override {
        run({}, Z_SYNC_FLUSH);
        write_chunks(std::span{ready_}.first(ready_.size() - kMarker.size()), out);
        ready_.clear();
    }
    void skip(std::span<const std::byte> block) override {
        if (!variant_.knows_blocks) return;
        for_each_piece(block, variant_.repeats,
                       [&](std::span<const std::byte> piece) { run(piece, Z_SYNC_FLUSH); });
        ready_.clear();
    }

private:
    /// Appends what comes out to `ready_`.
    void run(std::span<const std::byte> data, int flush) {
        set_input(stream_, data);
        do {
            stream_.next_out = reinterpret_cast<Bytef*>(room_.data());
            stream_.avail_out = static_cast<uInt>(room_.size());
            const int result = deflate(&stream_, flush);
            // No progress is no error when there was nothing to do.
            if (result != Z_OK && result != Z_BUF_ERROR)
                throw base::Error{base::ErrorKind::internal, "zlib fails"};
            const auto made = static_cast<std::ptrdiff_t>(room_.size() - stream_.avail_out);
            ready_.insert(ready_.end(), room_.begin(), room_.begin() + made);
        } while (stream_.avail_out == 0);
    }

    Deflate variant_;
    z_stream stream_{};
    base::Bytes room_;
    base::Bytes ready_;
};

class DeflateDecompressor : public Decompressor {
public:
    explicit DeflateDecompressor(const Deflate& variant) : variant_{variant}, room_(kPiece) {
        if (inflateInit2(&stream_, kWindow) != Z_OK)
            throw base::Error{base::ErrorKind::internal, "zlib cannot be prepared"};
    }
    ~DeflateDecompressor() override { inflateEnd(&stream_); }
    DeflateDecompressor(const DeflateDecompressor&) = delete;
    DeflateDecompressor& operator=(const DeflateDecompressor&) = delete;

    void begin_file() override { inflateReset(&stream_); }
    void put(std::span<const std::byte> chunk) override {
        chunk_.assign(chunk.begin(), chunk.end());
        set_input(stream_, chunk_);
        full_ = false;
    }
    std::span<const std::byte> take() override {
        if (stream_.avail_in == 0 && !full_) return {};
        stream_.next_out = reinterpret_cast<Bytef*>(room_.data());
        stream_.avail_out = static_cast<uInt>(room_.size());
        const int result = inflate(&stream_, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            throw not_compressed(result == Z_STREAM_END ? "ends before the file" : "cannot be inflated");
        full_ = stream_.avail_out == 0;
        return std::span{room_}.first(room_.size() - stream_.avail_out);
    }
    void end_run() override { put(kMarker); }
    bool wants_blocks() const override { return variant_.knows_blocks; }
    void skip(std::span<const std::byte> block) override {
        for_each_piece(block, variant_.repeats, [&](std::span<const std::byte> piece) {
            const auto length = static_cast<std::uint16_t>(piece.size());
            const auto other = static_cast<std::uint16_t>(~length);
            const auto low = [](std::uint16_t number) { return static_cast<std::byte>(number & 0xff); };
            const auto high = [](std::uint16_t number) { return static_cast<std::byte>(number >> 8); };
            const std::array<std::byte, 5> head{std::byte{0}, low(length), high(length), low(other),
                                                high(other)};
            for (const std::span<const std::byte> part : {std::span<const std::byte>{head}, piece}) {
                put(part);
                while (!take().empty()) {
                }
            }
        });
    }

private:
    Deflate variant_;
    z_stream stream_{};
    base::Bytes room_;
    base::Bytes chunk_;
    bool full_ = false;
};

}  // namespace

std::unique_ptr<Compressor> deflate_compressor(const Deflate& variant) {
    return std::make_unique<DeflateCompressor>(variant);
}
std::unique_ptr<Decompressor> deflate_decompressor(const Deflate& variant) {
    return std::make_unique<DeflateDecompressor>(variant);
}

}  // namespace ft::wire
