#include "ft/wire/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace ft::wire {

base::Error out_of_range(std::string_view field, std::int64_t value, std::int64_t least, std::int64_t most) {
    return {base::ErrorKind::peer, fmt::format("the {} is {}, not {} to {}", field, value, least, most)};
}

base::Error malformed(std::string_view field, std::string_view fault) {
    return {base::ErrorKind::peer, fmt::format("the {} {}", field, fault)};
}

namespace {

/// Refuses a number that fits into `bits` and was written with room for more.
void check_shortest(std::string_view field, std::uint64_t value, int bits) {
    if (value >> bits == 0) throw malformed(field, "is encoded in more bytes than it needs");
}

template <typename Number>
Number checked(std::string_view field, Number value, Number least, Number most) {
    if (value < least || value > most) throw out_of_range(field, value, least, most);
    return value;
}

}  // namespace

Reader::Reader(base::ByteSource& source)
    : source_{&source}, buffer_{std::make_unique<std::array<std::byte, kBuffer>>()} {}

bool Reader::fill() {
    if (begin_ < end_) return true;
    begin_ = 0;
    end_ = source_->read_some(*buffer_);
    return end_ > 0;
}

std::span<const std::byte> Reader::piece(std::string_view field, std::size_t most) {
    if (!fill()) {
        throw base::Error{base::ErrorKind::network, fmt::format("the connection ended within the {}", field)};
    }
    const auto taken = std::span{*buffer_}.subspan(begin_, std::min(most, end_ - begin_));
    begin_ += taken.size();
    return taken;
}

bool Reader::at_end() { return !fill(); }

std::size_t Reader::read_some(std::span<std::byte> into) {
    if (!fill()) return 0;
    const std::size_t size = std::min(into.size(), end_ - begin_);
    std::copy_n(buffer_->begin() + static_cast<std::ptrdiff_t>(begin_), size, into.begin());
    begin_ += size;
    return size;
}

void Reader::bytes(std::string_view field, std::span<std::byte> into) {
    while (!into.empty()) {
        const auto got = piece(field, into.size());
        std::copy(got.begin(), got.end(), into.begin());
        into = into.subspan(got.size());
    }
}

void Reader::skip(std::string_view field, std::uint64_t length) {
    while (length > 0) length -= piece(field, std::min<std::uint64_t>(length, kBuffer)).size();
}

std::uint64_t Reader::little_endian(std::string_view field, int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(byte(field)) << (8 * i);
    return value;
}

std::uint8_t Reader::byte(std::string_view field) {
    return static_cast<std::uint8_t>(piece(field, 1).front());
}
std::uint16_t Reader::u16(std::string_view field) {
    return static_cast<std::uint16_t>(little_endian(field, 2));
}
std::int32_t Reader::int32(std::string_view field) {
    return static_cast<std::int32_t>(little_endian(field, 4));
}

std::int32_t Reader::int32(std::string_view field, std::int32_t least, std::int32_t most) {
    return checked(field, int32(field), least, most);
}

std::int32_t Reader::varint(std::string_view field) {
    const std::uint8_t first = byte(field);
    const int extra = std::countl_one(first);
    const std::uint64_t top = first & (0x7fU >> extra);
    if (extra > 4 || (extra == 4 && top != 0)) throw malformed(field, "does not fit into 32 bits");
    const std::uint64_t value = little_endian(field, extra) | top << (8 * extra);
    if (extra > 0) check_shortest(field, value, 7 * extra);
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

std::int32_t Reader::varint(std::string_view field, std::int32_t least, std::int32_t most) {
    return checked(field, varint(field), least, most);
}

std::int64_t Reader::varlong(std::string_view field, int min_bytes) {
    const std::uint8_t first = byte(field);
    const int extra = std::min(std::countl_one(first), 6);
    const int low = min_bytes - 1 + extra;
    const std::uint64_t top = first & (0xffU >> extra);
    if (low > 8 || (low == 8 && top != 0)) throw malformed(field, "does not fit into 64 bits");
    std::uint64_t value = little_endian(field, low);
    if (low < 8) value |= top << (8 * low);
    if (extra > 0) check_shortest(field, value, 8 * low - extra);
    return static_cast<std::int64_t>(value);
}

std::int64_t Reader::varlong(std::string_view field, int min_bytes, std::int64_t least, std::int64_t most) {
    return checked(field, varlong(field, min_bytes), least, most);
}

base::Digest Reader::digest(std::string_view field, std::size_t size) {
    std::array<std::byte, 64> value;
    const auto wanted = std::span{value}.first(size);
    bytes(field, wanted);
    return base::Digest{wanted};
}

std::string Reader::text(std::string_view field, std::size_t length) {
    std::string result;
    while (result.size() < length) result += base::as_text(piece(field, length - result.size()));
    return result;
}

std::string Reader::vstring(std::string_view field, std::size_t limit) {
    std::size_t length = byte(field);
    if (length >= 0x80) {
        length = (length & 0x7f) << 8 | byte(field);
        check_shortest(field, length, 7);
    }
    if (length > limit) throw malformed(field, fmt::format("is longer than {} bytes", limit));
    return text(field, length);
}

std::string Reader::until(std::string_view field, std::size_t limit, char end) {
    std::string result;
    while (true) {
        const std::string_view got = base::as_text(piece(field, kBuffer));
        const std::size_t length = std::min(got.find(end), got.size());
        if (result.size() + length > limit)
            throw malformed(field, fmt::format("is longer than {} bytes", limit));
        result += got.substr(0, length);
        if (length < got.size()) {
            begin_ -= got.size() - length - 1;  // what follows is for the next call
            return result;
        }
    }
}

std::string Reader::line(std::string_view field, std::size_t limit) {
    std::string result = until(field, limit, '\n');
    if (result.find('\0') != std::string::npos) throw malformed(field, "holds a NUL byte");
    std::erase(result, '\r');
    return result;
}

std::string Reader::argument(std::string_view field, std::size_t limit) { return until(field, limit, '\0'); }

}  // namespace ft::wire
