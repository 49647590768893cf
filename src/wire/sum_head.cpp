#include "ft/wire/sum_head.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace ft::wire {
namespace {

constexpr std::uint64_t kShortestBlock = 700;

constexpr std::size_t kRun = 64;
constexpr auto kWeights = [] {
    std::array<std::int16_t, kRun> weights{};
    for (std::size_t i = 0; i < kRun; ++i) weights[i] = static_cast<std::int16_t>(kRun - i);
    return weights;
}();

std::uint64_t usual_block(std::uint64_t length) {
    if (length >= std::uint64_t{1} << 34) return kLongestBlock;
    const auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(length)));
    return std::max(kShortestBlock, root / 8 * 8);
}

/// The stock formula: enough bits for every pair of block and offset, and ten more, less those of the weak
/// one.
std::int32_t usual_strong(std::uint64_t length, std::uint64_t block) {
    const int bits = 10 + 2 * (std::bit_width(length) - 1) - (std::bit_width(block) - 1);
    return std::max(2, (bits - 24) / 8);
}

std::int32_t longest_strong(std::int32_t digest_bytes) { return std::min(kLongestStrong, digest_bytes); }

}  // namespace

std::uint64_t SumHead::offset_of(std::int32_t index) const {
    return static_cast<std::uint64_t>(index) * static_cast<std::uint64_t>(block);
}

std::uint32_t SumHead::length_of(std::int32_t index) const {
    return static_cast<std::uint32_t>(index == count - 1 && remainder > 0 ? remainder
                                                                          : static_cast<std::int32_t>(block));
}

SumHead choose_blocks(std::uint64_t length, std::int32_t digest_bytes, std::int32_t fixed_block) {
    const std::uint64_t block =
        fixed_block > 0 ? static_cast<std::uint64_t>(fixed_block) : usual_block(length);
    const std::uint64_t count = length / block + (length % block > 0 ? 1 : 0);
    if (count == 0 || count > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return {};
    // Short blocks of text have fewer weak checksums than 32 bits could tell apart; a byte more makes up for
    // it.
    const std::int32_t strong = usual_strong(length, block) + (fixed_block > 0 ? 1 : 0);
    return {.count = static_cast<std::int32_t>(count),
            .block = BlockLength{static_cast<std::int32_t>(block)},
            .strong = std::min(strong, longest_strong(digest_bytes)),
            .remainder = static_cast<std::int32_t>(length % block)};
}

std::int32_t short_block(std::uint64_t length) {
    constexpr std::uint64_t kPage = 4096;
    constexpr std::uint64_t kMostShort = 1 << 20;
    const std::uint64_t usual = usual_block(length);
    return static_cast<std::int32_t>(std::min(usual, std::max(kPage, length / kMostShort / 8 * 8)));
}

SumHead for_redo(SumHead head, std::int32_t digest_bytes) {
    if (head.count > 0) head.strong = longest_strong(digest_bytes);
    return head;
}

SumHead read_sum_head(Reader& in, std::int32_t digest_bytes) {
    SumHead head;
    head.count = in.int32("block count", 0, std::numeric_limits<std::int32_t>::max());
    const bool blocks = head.count > 0;
    const std::int32_t block = in.int32("block length", blocks ? 1 : 0, kLongestBlock);
    head.block = BlockLength{block};
    head.strong = in.int32("strong checksum length", blocks ? 2 : 0, longest_strong(digest_bytes));
    head.remainder = in.int32("length of the last block", 0, blocks ? block - 1 : 0);
    return head;
}

void write_sum_head(Writer& out, const SumHead& head) {
    out.int32(head.count);
    out.int32(static_cast<std::int32_t>(head.block));
    out.int32(head.strong);
    out.int32(head.remainder);
}

BlockSum read_block_sum(Reader& in, const SumHead& head) {
    BlockSum sum;
    sum.weak = static_cast<std::uint32_t>(in.int32("weak checksum"));
    in.bytes("strong checksum", std::span{sum.strong}.first(static_cast<std::size_t>(head.strong)));
    return sum;
}

void write_block_sum(Writer& out, const SumHead& head, const BlockSum& sum) {
    out.int32(static_cast<std::int32_t>(sum.weak));
    out.bytes(std::span{sum.strong}.first(static_cast<std::size_t>(head.strong)));
}

// The second sum counts each byte as often as there are bytes from it to the end. Runs of a fixed length with
// 16-bit weights are what a compiler makes vectors of.
RollingSum::RollingSum(std::span<const std::byte> window)
    : length_{static_cast<std::uint32_t>(window.size())} {
    for (; window.size() >= kRun; window = window.subspan(kRun)) {
        std::int32_t sum = 0;
        std::int32_t weighted = 0;
        for (std::size_t i = 0; i < kRun; ++i) {
            const std::int16_t value = static_cast<std::int8_t>(window[i]);
            sum += value;
            weighted += value * kWeights[i];
        }
        second_ += static_cast<std::uint32_t>(kRun) * first_ + static_cast<std::uint32_t>(weighted);
        first_ += static_cast<std::uint32_t>(sum);
    }
    for (const std::byte b : window) {
        first_ += number(b);
        second_ += first_;
    }
}

StrongSum::StrongSum(base::DigestKind kind, std::int32_t seed, bool seed_first)
    : kind_{kind}, seed_{seed}, seed_first_{seed_first} {
    if (kind == base::DigestKind::md5) hasher_.emplace(kind);
}

base::Digest StrongSum::of(std::span<const std::byte> block) {
    if (!hasher_) return base::digest_of(kind_, block, seed_);
    Writer seed;
    if (seed_ != 0) seed.int32(seed_);
    if (seed_first_) hasher_->update(seed.written());
    hasher_->update(block);
    if (!seed_first_) hasher_->update(seed.written());
    return hasher_->finish();
}

BlockSum block_sum(StrongSum& strong, const SumHead& head, std::span<const std::byte> block) {
    BlockSum sum{.weak = RollingSum{block}.value(), .strong = {}};
    const base::Digest digest = strong.of(block);
    std::copy_n(digest.bytes().begin(), head.strong, sum.strong.begin());
    return sum;
}

}  // namespace ft::wire
