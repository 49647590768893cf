#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ft/base/digest.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

enum class BlockLength : std::int32_t {};  ///< bytes; every block of a file but the last

constexpr std::int32_t kLongestBlock = 131072;
constexpr std::int32_t kLongestStrong = 16;

/// Head of a file's block checksums: what the generator tells the sender about the basis file.
struct SumHead {
    std::int32_t count = 0;  ///< blocks, the short last one included; 0: no basis
    BlockLength block{0};
    std::int32_t strong = 0;     ///< bytes of strong checksum after each weak one
    std::int32_t remainder = 0;  ///< bytes of the last block; 0 when it is full
    bool operator==(const SumHead&) const = default;

    /// Place and length of block `index` in the basis file, in bytes.
    std::uint64_t offset_of(std::int32_t index) const;
    std::uint32_t length_of(std::int32_t index) const;
};

/// The blocks of a basis file of `length` bytes, as the stock generator cuts it; with `fixed_block` (1 to
/// 131072 bytes) blocks of that length and strong checksums that are long enough for it. All zero when there
/// would be too many blocks to count.
SumHead choose_blocks(std::uint64_t length, std::int32_t digest_bytes, std::int32_t fixed_block = 0);
/// A block length, in bytes, for a file of `length` bytes whose changes are small and scattered, as those of
/// databases and disk images: a page of 4096, or the stock one where that is shorter; longer from 4 GiB on,
/// so that the checksums of a file of any size keep their place in memory.
std::int32_t short_block(std::uint64_t length);
/// The same blocks with strong checksums of full length, for a file that must be sent once more.
SumHead for_redo(SumHead head, std::int32_t digest_bytes);

/// Four int32 in the order of the members. Error peer when a value is out of range.
SumHead read_sum_head(Reader& in, std::int32_t digest_bytes);
void write_sum_head(Writer& out, const SumHead& head);

/// The two checksums of a block; of `strong` only the head's first bytes count, the rest is 0.
struct BlockSum {
    std::uint32_t weak = 0;
    std::array<std::byte, kLongestStrong> strong{};
    bool operator==(const BlockSum&) const = default;
};
BlockSum read_block_sum(Reader& in, const SumHead& head);
void write_block_sum(Writer& out, const SumHead& head, const BlockSum& sum);

/// The weak checksum of a window that moves byte by byte. Bytes count as signed.
class RollingSum {
public:
    RollingSum() = default;
    explicit RollingSum(std::span<const std::byte> window);
    void roll(std::byte out, std::byte in) {
        first_ += number(in) - number(out);
        second_ += first_ - length_ * number(out);
    }
    /// The window loses its first byte and gets none.
    void shrink(std::byte out) {
        first_ -= number(out);
        second_ -= length_-- * number(out);
    }
    std::uint32_t value() const { return (first_ & 0xffff) | (second_ << 16); }

private:
    static std::uint32_t number(std::byte b) {
        return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<std::int8_t>(b)));
    }
    std::uint32_t first_ = 0;
    std::uint32_t second_ = 0;
    std::uint32_t length_ = 0;
};

/// Makes the strong checksums of blocks. `seed_first`: compat bit 5 (matters for md5 only).
class StrongSum {
public:
    StrongSum(base::DigestKind kind, std::int32_t seed, bool seed_first);
    base::Digest of(std::span<const std::byte> block);

private:
    base::DigestKind kind_;
    std::int32_t seed_;
    bool seed_first_;
    std::optional<base::Hasher> hasher_;
};

/// Both checksums of a block, the strong one cut to the head's length.
BlockSum block_sum(StrongSum& strong, const SumHead& head, std::span<const std::byte> block);

}  // namespace ft::wire
