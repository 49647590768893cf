#include "ft/wire/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ft/wire/writer.h"
#include "wire/codecs.h"

namespace ft::wire {
namespace {

constexpr std::size_t kLongestRun = 32768;

// The first byte of what a compressed stream is made of, but chunks.
constexpr std::uint8_t kEnd = 0x00;
constexpr std::uint8_t kLong = 0x20;      // the number of a block
constexpr std::uint8_t kRunLong = 0x21;   // and how many follow it
constexpr std::uint8_t kRelative = 0x80;  // and the distance from the block that was named last
constexpr std::uint8_t kRunRelative = 0xc0;
constexpr std::uint8_t kLowBits = 0x3f;
constexpr std::int32_t kMostFollowing = 65535;
constexpr int kMostIdle = 1000;

void write_number(base::ByteSink& sink, std::int32_t number) {
    Writer token;
    token.int32(number);
    sink.write(token.written());
}

}  // namespace

TokenWriter::TokenWriter(base::ByteSink& sink, Compressor* compressor)
    : sink_{&sink}, compressor_{compressor} {
    if (compressor_ != nullptr) compressor_->begin_file();
}

void TokenWriter::literal(std::span<const std::byte> data) {
    if (compressor_ != nullptr && !data.empty()) {
        write_blocks();
        compressor_->add(data, *sink_);
        in_run_ = true;
        return;
    }
    while (!data.empty()) {
        const auto run = data.first(std::min(data.size(), kLongestRun));
        write_number(*sink_, static_cast<std::int32_t>(run.size()));
        sink_->write(run);
        data = data.subspan(run.size());
    }
}

void TokenWriter::block(std::int32_t index, std::span<const std::byte> content) {
    if (compressor_ == nullptr) return write_number(*sink_, -index - 1);
    end_run();
    const bool follows = count_ > 0 && index == first_ + count_ && count_ <= kMostFollowing;
    if (!follows) {
        write_blocks();
        first_ = index;
    }
    ++count_;
    compressor_->skip(content);
}

void TokenWriter::end() {
    if (compressor_ == nullptr) return write_number(*sink_, 0);
    end_run();
    write_blocks();
    Writer token;
    token.byte(kEnd);
    sink_->write(token.written());
}

void TokenWriter::end_run() {
    if (in_run_) compressor_->end_run(*sink_);
    in_run_ = false;
}

void TokenWriter::write_blocks() {
    if (count_ == 0) return;
    Writer token;
    const std::int64_t distance = std::int64_t{first_} - last_;
    const bool near = distance >= 0 && distance <= kLowBits;
    const bool run = count_ > 1;
    if (near) {
        token.byte(static_cast<std::uint8_t>((run ? kRunRelative : kRelative) | distance));
    } else {
        token.byte(run ? kRunLong : kLong);
        token.int32(first_);
    }
    if (run) token.u16(static_cast<std::uint16_t>(count_ - 1));
    sink_->write(token.written());
    last_ = first_ + count_ - 1;
    count_ = 0;
}

TokenReader::TokenReader(Reader& in, const SumHead& head, std::uint64_t most, Decompressor* decompressor)
    : in_{&in}, head_{head}, room_{most}, decompressor_{decompressor} {
    if (decompressor_ != nullptr) decompressor_->begin_file();
}

Token TokenReader::next() { return decompressor_ != nullptr ? next_compressed() : next_plain(); }

Token TokenReader::next_plain() {
    if (run_ == 0) {
        const std::int32_t number = in_->int32("token");
        if (number == 0) return {};
        if (number < 0) return named(-(number + 1));
        run_ = static_cast<std::uint32_t>(number);
        take(run_);
    }
    const auto piece = in_->piece("literal data", run_);
    run_ -= static_cast<std::uint32_t>(piece.size());
    return {.kind = Token::Kind::literal, .data = piece};
}

Token TokenReader::next_compressed() {
    while (true) {
        if (const auto piece = decompressor_->take(); !piece.empty()) {
            take(piece.size());
            idle_ = 0;
            return {.kind = Token::Kind::literal, .data = piece};
        }
        if (blocks_ > 0) {
            --blocks_;
            return named(++last_);
        }
        const std::uint8_t flag = flag_ ? *flag_ : in_->byte("token");
        const bool is_chunk = flag >= kChunk && flag < kRelative;
        if (!is_chunk && in_run_) {
            in_run_ = false;
            flag_ = flag;
            decompressor_->end_run();
            continue;
        }
        flag_.reset();
        if (is_chunk) {
            read_chunk(flag);
        } else if (flag == kEnd) {
            return {};
        } else {
            return name_blocks(flag);
        }
    }
}

void TokenReader::read_chunk(std::uint8_t flag) {
    if (++idle_ > kMostIdle) throw malformed("compressed data", "goes on and brings nothing");
    std::array<std::byte, kLongestChunk> room;
    const std::size_t length = static_cast<std::size_t>(flag & kLowBits) << 8 | in_->byte("chunk's length");
    const auto chunk = std::span{room}.first(std::min(length, room.size()));
    in_->bytes("compressed data", chunk);
    decompressor_->put(chunk);
    in_run_ = true;
}

Token TokenReader::name_blocks(std::uint8_t flag) {
    const bool is_long = flag == kLong || flag == kRunLong;
    if (!is_long && flag < kRelative)
        throw malformed("token", fmt::format("is 0x{:02x}, which is none", flag));
    // Below the largest number, for nothing near it is a block.
    last_ = is_long ? in_->int32("block reference", 0, head_.count - 1)
                    : static_cast<std::int32_t>(
                          std::min<std::int64_t>(std::int64_t{last_} + (flag & kLowBits), INT32_MAX));
    if (flag == kRunLong || flag >= kRunRelative) blocks_ = in_->u16("number of blocks");
    return named(last_);
}

Token TokenReader::named(std::int32_t index) {
    if (index < 0 || index >= head_.count) throw out_of_range("block reference", index, 0, head_.count - 1);
    take(head_.length_of(index));
    return {.kind = Token::Kind::block, .block = index};
}

void TokenReader::take(std::uint64_t length) {
    if (length > room_)
        throw malformed("file data", fmt::format("is {} bytes longer than allowed", length - room_));
    room_ -= length;
}

}  // namespace ft::wire
