#include "ft/wire/writer.h"

#include <algorithm>
#include <bit>

#include "ft/base/error.h"

namespace ft::wire {
namespace {

int significant_bits(std::uint64_t value) { return static_cast<int>(std::bit_width(value)); }

/// The first byte of a number with `extra` extra bytes: as many one-bits, then the top bits of the value.
std::uint8_t head(int extra, std::uint64_t top) {
    return static_cast<std::uint8_t>(~(0xffU >> extra) | static_cast<unsigned>(top));
}

}  // namespace

void Writer::little_endian(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
}

void Writer::byte(std::uint8_t value) { buffer_.push_back(std::byte{value}); }
void Writer::u16(std::uint16_t value) { little_endian(value, 2); }
void Writer::int32(std::int32_t value) { little_endian(static_cast<std::uint32_t>(value), 4); }

void Writer::varint(std::int32_t number) {
    const auto value = static_cast<std::uint32_t>(number);
    const int extra = std::min((significant_bits(value | 1) - 1) / 7, 4);
    byte(head(extra, extra < 4 ? value >> (8 * extra) : 0));
    little_endian(value, extra);
}

void Writer::varlong(std::int64_t number, int min_bytes) {
    const auto value = static_cast<std::uint64_t>(number);
    // Each extra byte adds eight bits and takes one of the first byte's.
    int extra = 0;
    while (extra < 6 && significant_bits(value) > 8 * (min_bytes - 1 + extra) + 7 - extra) ++extra;
    const int low = min_bytes - 1 + extra;
    byte(head(extra, low < 8 ? value >> (8 * low) : 0));
    little_endian(value, low);
}

void Writer::bytes(std::span<const std::byte> data) {
    buffer_.insert(buffer_.end(), data.begin(), data.end());
}
void Writer::text(std::string_view text) { bytes(base::as_bytes(text)); }

void Writer::vstring(std::string_view value) {
    if (value.size() > 0x7fff) throw base::Error{base::ErrorKind::internal, "a text above 32767 bytes"};
    if (value.size() > 0x7f) byte(static_cast<std::uint8_t>(value.size() >> 8 | 0x80));
    byte(static_cast<std::uint8_t>(value.size()));
    text(value);
}

}  // namespace ft::wire
