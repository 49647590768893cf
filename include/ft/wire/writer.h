#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "ft/base/bytes.h"

namespace ft::wire {

/// Encodes into a buffer that grows; the counterpart of Reader, name by name.
class Writer {
public:
    void byte(std::uint8_t value);
    void u16(std::uint16_t value);
    void int32(std::int32_t value);
    void varint(std::int32_t value);
    void varlong(std::int64_t value, int min_bytes);
    void bytes(std::span<const std::byte> data);
    /// The bytes of `text` and nothing else.
    void text(std::string_view text);
    /// Error internal above 32767 bytes.
    void vstring(std::string_view text);

    std::span<const std::byte> written() const { return buffer_; }
    bool empty() const { return buffer_.empty(); }
    std::size_t size() const { return buffer_.size(); }
    void clear() { buffer_.clear(); }
    base::Bytes take() { return std::exchange(buffer_, {}); }

private:
    void little_endian(std::uint64_t value, int count);

    base::Bytes buffer_;
};

}  // namespace ft::wire
