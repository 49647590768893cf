#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ft/base/bytes.h"
#include "ft/base/digest.h"
#include "ft/base/error.h"

namespace ft::wire {

/// Error peer: "the FIELD is VALUE, not LEAST to MOST".
base::Error out_of_range(std::string_view field, std::int64_t value, std::int64_t least, std::int64_t most);
/// Error peer: "the FIELD FAULT"; `fault` begins with a verb and holds nothing unescaped.
base::Error malformed(std::string_view field, std::string_view fault);

/// Decodes rsync's encodings from a byte source through one buffer of 64 KiB: the only allocation, whatever a
/// peer claims. One thread.
///
/// `field` is what errors call the value ("block count"). Errors: peer for a value or an encoding that is not
/// legal (overlong ones too); network when the stream ends within a value; what the source throws.
/// A Reader is a source itself, so that what follows (frames, early data) continues where it stopped.
class Reader : public base::ByteSource {
public:
    explicit Reader(base::ByteSource& source);  ///< refers to `source`

    std::uint8_t byte(std::string_view field);
    std::uint16_t u16(std::string_view field);
    std::int32_t int32(std::string_view field);
    std::int32_t int32(std::string_view field, std::int32_t least, std::int32_t most);
    std::int32_t varint(std::string_view field);
    std::int32_t varint(std::string_view field, std::int32_t least, std::int32_t most);
    /// `min_bytes` is 3 (sizes, statistics) or 4 (times).
    std::int64_t varlong(std::string_view field, int min_bytes);
    std::int64_t varlong(std::string_view field, int min_bytes, std::int64_t least, std::int64_t most);

    void bytes(std::string_view field, std::span<std::byte> into);
    base::Digest digest(std::string_view field, std::size_t size);
    /// Exactly `length` bytes, which the caller has limited; memory grows with what arrives.
    std::string text(std::string_view field, std::size_t length);
    /// Length of one or two bytes, then the text.
    std::string vstring(std::string_view field, std::size_t limit);
    /// Up to '\n', which is not part of it; every '\r' is dropped. No NUL.
    std::string line(std::string_view field, std::size_t limit);
    /// Up to NUL, which is not part of it.
    std::string argument(std::string_view field, std::size_t limit);

    /// The next 1 to `most` bytes, in the buffer: valid until the next call.
    std::span<const std::byte> piece(std::string_view field, std::size_t most);
    void skip(std::string_view field, std::uint64_t length);
    /// True when the stream ended here; waits for a byte or the end.
    bool at_end();

    std::size_t read_some(std::span<std::byte> into) override;

private:
    static constexpr std::size_t kBuffer = 65536;
    bool fill();
    std::string until(std::string_view field, std::size_t limit, char end);
    std::uint64_t little_endian(std::string_view field, int count);

    base::ByteSource* source_;
    std::unique_ptr<std::array<std::byte, kBuffer>> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace ft::wire
