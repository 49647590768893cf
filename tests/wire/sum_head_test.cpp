#include <catch2/catch.hpp>

#include <random>

#include "ft/wire/sum_head.h"
#include "wire/decoding.h"

using namespace ft;
using base::DigestKind;
using base::ErrorKind;
using wire::BlockLength;
using wire::BlockSum;
using wire::Reader;
using wire::RollingSum;
using wire::SumHead;
using wire::Writer;

namespace {

base::Bytes noise(std::size_t size) {
    std::mt19937 random{42};
    base::Bytes data(size);
    for (std::byte& b : data) b = static_cast<std::byte>(random());
    return data;
}

const auto kReadHead = [](Reader& in) { return wire::read_sum_head(in, 16); };

std::optional<ErrorKind> refusal_of(const std::vector<std::int32_t>& values) {
    Writer out;
    for (const std::int32_t value : values) out.int32(value);
    return test::refusal(out.written(), kReadHead);
}

}  // namespace

TEST_CASE("a sum head survives any fragmentation of the stream", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    const SumHead sent{.count = 7, .block = BlockLength{700}, .strong = 2, .remainder = 13};
    Writer out;
    wire::write_sum_head(out, sent);
    CHECK(test::decoded(out.written(), kReadHead, piece) == sent);
    test::damage(out.written(), kReadHead);
}

TEST_CASE("sum heads outside their limits are refused", "[wire]") {
    CHECK(refusal_of({0, 0, 0, 0}) == std::nullopt);
    CHECK(refusal_of({0, 700, 2, 0}) == std::nullopt);
    CHECK(refusal_of({1, 131072, 16, 131071}) == std::nullopt);
    CHECK(refusal_of({INT32_MAX, 1, 2, 0}) == std::nullopt);
    CHECK(refusal_of({-1, 700, 2, 0}) == ErrorKind::peer);
    CHECK(refusal_of({1, 0, 2, 0}) == ErrorKind::peer);
    CHECK(refusal_of({1, 131073, 2, 0}) == ErrorKind::peer);
    CHECK(refusal_of({1, 700, 1, 0}) == ErrorKind::peer);
    CHECK(refusal_of({1, 700, 17, 0}) == ErrorKind::peer);
    CHECK(refusal_of({1, 700, 2, 700}) == ErrorKind::peer);
    CHECK(refusal_of({1, 700, 2, -1}) == ErrorKind::peer);
    CHECK(refusal_of({0, 0, 0, 1}) == ErrorKind::peer);
}

TEST_CASE("blocks are chosen as the stock generator does", "[wire]") {
    const auto [length, block, strong] = GENERATE(table<std::uint64_t, std::int32_t, std::int32_t>({
        {1, 700, 2},
        {60'000, 700, 2},
        {490'000, 700, 2},
        {490'001, 700, 2},
        {1'000'000, 1000, 2},
        {100'000'000, 10'000, 3},
        {1'000'000'000, 31'616, 3},
        {10'000'000'000, 100'000, 4},
        {(std::uint64_t{1} << 34) - 1, 131'064, 4},
        {std::uint64_t{1} << 34, 131'072, 4},
        {1'000'000'000'000, 131'072, 5},
    }));
    INFO(length);
    const SumHead head = wire::choose_blocks(length, 16);
    CHECK(head.block == BlockLength{block});
    CHECK(head.strong == strong);
    const auto last = head.length_of(head.count - 1);
    CHECK(head.offset_of(head.count - 1) + last == length);
    CHECK(last <= static_cast<std::uint32_t>(block));
}

TEST_CASE("blocks of a fixed length get strong checksums that are long enough for them", "[wire]") {
    const SumHead head = wire::choose_blocks(586'000'000, 16, 1024);
    CHECK(head == SumHead{.count = 572'266, .block = BlockLength{1024}, .strong = 5, .remainder = 640});
    for (const std::uint64_t length : {1ULL, 5000ULL, 1ULL << 20, 1ULL << 30, 1ULL << 40}) {
        for (const std::int32_t block : {1, 1024, 131'072}) {
            const SumHead chosen = wire::choose_blocks(length, 16, block);
            if (chosen.count == 0) continue;
            // Fewer than one wrong match in a thousand files: pairs of block and offset against sums.
            const double pairs = static_cast<double>(chosen.count) * static_cast<double>(length);
            CHECK(pairs / std::pow(2.0, 32 + 8 * chosen.strong) < 1e-3);
        }
    }
}

TEST_CASE("a basis without bytes or with too many blocks is none", "[wire]") {
    CHECK(wire::choose_blocks(0, 16) == SumHead{});
    CHECK(wire::choose_blocks(std::uint64_t{1} << 49, 16) == SumHead{});
    CHECK(wire::choose_blocks(std::uint64_t{1} << 32, 16, 1) == SumHead{});
}

TEST_CASE("blocks for scattered changes are a page, less of small files and more of huge ones", "[wire]") {
    const auto [length, block] = GENERATE(table<std::uint64_t, std::int32_t>({
        {1, 700},
        {std::uint64_t{1} << 20, 1024},
        {std::uint64_t{1} << 24, 4096},
        {std::uint64_t{1} << 32, 4096},
        {std::uint64_t{1} << 34, 16384},
        {std::uint64_t{1} << 40, 131072},
        {std::uint64_t{1} << 50, 131072},
    }));
    CHECK(wire::short_block(length) == block);
}

TEST_CASE("a redo has the same blocks and whole strong checksums", "[wire]") {
    const SumHead head = wire::choose_blocks(60'000, 16);
    CHECK(wire::for_redo(head, 16) ==
          SumHead{.count = 86, .block = BlockLength{700}, .strong = 16, .remainder = 500});
    CHECK(wire::for_redo(SumHead{}, 16) == SumHead{});
}

TEST_CASE("rolling gives the checksum of the window where it is", "[wire]") {
    const base::Bytes data = noise(3000);
    const std::span all{data};
    constexpr std::size_t kWindow = 700;
    RollingSum rolling{all.first(kWindow)};
    for (std::size_t at = 0; at + kWindow < data.size(); ++at) {
        REQUIRE(rolling.value() == RollingSum{all.subspan(at, kWindow)}.value());
        rolling.roll(data[at], data[at + kWindow]);
    }
    for (std::size_t at = data.size() - kWindow; at < data.size(); ++at) {
        REQUIRE(rolling.value() == RollingSum{all.subspan(at)}.value());
        rolling.shrink(data[at]);
    }
    CHECK(rolling.value() == 0);
}

TEST_CASE("weak checksums take bytes as signed", "[wire]") {
    CHECK(RollingSum{test::from_hex("ff")}.value() == 0xffffffff);
    CHECK(RollingSum{test::from_hex("0102")}.value() == (3 | 4U << 16));
}

TEST_CASE("strong checksums place the seed as their kind wants it", "[wire]") {
    const base::Bytes data = noise(700);
    wire::StrongSum xxh{DigestKind::xxh128, -3, true};
    CHECK(xxh.of(data) == base::digest_of(DigestKind::xxh128, data, -3));
    base::Bytes before = test::from_hex("fdffffff");
    before.insert(before.end(), data.begin(), data.end());
    base::Bytes after = data;
    for (const std::byte b : test::from_hex("fdffffff")) after.push_back(b);
    CHECK(wire::StrongSum{DigestKind::md5, -3, true}.of(data) == base::digest_of(DigestKind::md5, before));
    CHECK(wire::StrongSum{DigestKind::md5, -3, false}.of(data) == base::digest_of(DigestKind::md5, after));
    CHECK(wire::StrongSum{DigestKind::md5, 0, true}.of(data) == base::digest_of(DigestKind::md5, data));
}

TEST_CASE("block sums carry as many strong bytes as the head says", "[wire]") {
    const SumHead head{.count = 1, .block = BlockLength{700}, .strong = 3, .remainder = 0};
    wire::StrongSum strong{DigestKind::xxh128, 1, true};
    const BlockSum sent = wire::block_sum(strong, head, noise(700));
    Writer out;
    wire::write_block_sum(out, head, sent);
    CHECK(out.size() == 7);
    const auto read = [&](Reader& in) { return wire::read_block_sum(in, head); };
    CHECK(test::decoded(out.written(), read, 1) == sent);
    test::damage(out.written(), read);
}
