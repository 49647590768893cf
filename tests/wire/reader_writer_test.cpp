#include <catch2/catch.hpp>

#include <limits>
#include <random>

#include "wire/decoding.h"

using namespace ft;
using base::ErrorKind;
using wire::Reader;
using wire::Writer;

namespace {

base::Bytes varint(std::int32_t value) {
    Writer out;
    out.varint(value);
    return out.take();
}

base::Bytes varlong(std::int64_t value, int min_bytes) {
    Writer out;
    out.varlong(value, min_bytes);
    return out.take();
}

const auto kReadVarint = [](Reader& in) { return in.varint("number"); };
const auto kReadVarlong3 = [](Reader& in) { return in.varlong("number", 3); };
const auto kReadVarlong4 = [](Reader& in) { return in.varlong("number", 4); };

/// Numbers of every length, not only long ones.
std::uint64_t any_number(std::mt19937_64& random) { return random() >> (random() % 64); }

}  // namespace

TEST_CASE("varints have the bytes of the protocol's table", "[wire]") {
    const auto [value, hex] = GENERATE(table<std::int32_t, const char*>({{0, "00"},
                                                                         {127, "7f"},
                                                                         {128, "8080"},
                                                                         {255, "80ff"},
                                                                         {256, "8100"},
                                                                         {16383, "bfff"},
                                                                         {16384, "c00040"},
                                                                         {2097151, "dfffff"},
                                                                         {2097152, "e0000020"},
                                                                         {268435455, "efffffff"},
                                                                         {268435456, "f000000010"},
                                                                         {-1, "f0ffffffff"}}));
    CHECK(varint(value) == test::from_hex(hex));
    CHECK(test::decoded(test::from_hex(hex), kReadVarint, 1) == value);
}

TEST_CASE("varlongs have the bytes of the protocol's table", "[wire]") {
    const auto [min_bytes, value, hex] = GENERATE(table<int, std::int64_t, const char*>({
        {3, 0, "000000"},
        {3, 100, "006400"},
        {3, 32767, "00ff7f"},
        {3, 8388607, "7fffff"},
        {3, 8388608, "80000080"},
        {3, 16777216, "81000000"},
        {3, 2147483648, "c000000080"},
        {3, 1099511627776, "e10000000000"},
        {4, 0, "00000000"},
        {4, 1700000000, "6500f153"},
        {4, 2147483647, "7fffffff"},
        {4, 2147483648, "8000000080"},
        {4, 8589934592, "8200000000"},
        {4, -1, "f8ffffffffffffffff"},
    }));
    CHECK(varlong(value, min_bytes) == test::from_hex(hex));
    const auto read = [bytes = min_bytes](Reader& in) { return in.varlong("number", bytes); };
    CHECK(test::decoded(test::from_hex(hex), read, 1) == value);
}

TEST_CASE("a quarter of a million random numbers survive any fragmentation", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    constexpr int kCount = 250'000 / 3;
    std::mt19937_64 random{piece};
    std::vector<std::uint64_t> sent(kCount);
    Writer out;
    for (std::uint64_t& number : sent) {
        number = any_number(random);
        out.varint(static_cast<std::int32_t>(number));
        out.varlong(static_cast<std::int64_t>(number), 3);
        out.varlong(static_cast<std::int64_t>(number), 4);
        out.int32(static_cast<std::int32_t>(number));
        out.u16(static_cast<std::uint16_t>(number));
    }
    test::Bytes source{out.take(), piece};
    Reader in{source};
    bool equal = true;
    for (const std::uint64_t number : sent) {
        equal &= in.varint("number") == static_cast<std::int32_t>(number);
        equal &= in.varlong("number", 3) == static_cast<std::int64_t>(number);
        equal &= in.varlong("number", 4) == static_cast<std::int64_t>(number);
        equal &= in.int32("number") == static_cast<std::int32_t>(number);
        equal &= in.u16("number") == static_cast<std::uint16_t>(number);
        REQUIRE(equal);
    }
    CHECK(in.at_end());
}

TEST_CASE("a number has one encoding only, the shortest", "[wire]") {
    CHECK(test::refusal(test::from_hex("807f"), kReadVarint) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("c0ff3f"), kReadVarint) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("f0ffffff0f"), kReadVarint) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("80ffff7f"), kReadVarlong3) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("80ffffff7f"), kReadVarlong4) == ErrorKind::peer);

    std::mt19937_64 random{7};
    for (int i = 0; i < 100'000; ++i) {
        base::Bytes noise(10);
        for (std::byte& b : noise) b = static_cast<std::byte>(random());
        noise.front() |= static_cast<std::byte>(0xff00 >> (random() % 9));
        test::Bytes source{noise, 16};
        Reader in{source};
        try {
            const std::int64_t value = in.varlong("number", 3);
            const base::Bytes shortest = varlong(value, 3);
            REQUIRE(std::equal(shortest.begin(), shortest.end(), noise.begin()));
        } catch (const base::Error& error) {
            REQUIRE(error.kind() == ErrorKind::peer);
        }
    }
}

TEST_CASE("numbers that fit no integer are refused", "[wire]") {
    CHECK(test::refusal(test::from_hex("f100000010"), kReadVarint) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("f80000000000"), kReadVarint) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("fd0000000000000080"), kReadVarlong3) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("fc000000000000000080"), kReadVarlong4) == ErrorKind::peer);
}

TEST_CASE("a number outside its limits is refused with field, value and limits", "[wire]") {
    test::Bytes source{test::from_hex("05000000"), 1};
    Reader in{source};
    CHECK_THROWS_WITH(in.int32("block count", 0, 4), "the block count is 5, not 0 to 4");
}

TEST_CASE("every truncation of a number is an ended connection", "[wire]") {
    test::damage(varint(1 << 20), kReadVarint);
    test::damage(varlong(std::int64_t{1} << 40, 3), kReadVarlong3);
    test::damage(varlong(-5, 4), kReadVarlong4);
}

TEST_CASE("texts come back whole in any fragmentation", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u, 65536u);
    const auto length = GENERATE(0u, 1u, 127u, 128u, 255u, 256u, 32767u);
    const std::string sent(length, 'x');
    Writer out;
    out.vstring(sent);
    const auto read = [](Reader& in) { return in.vstring("name", 32767); };
    CHECK(out.size() == sent.size() + (length > 127 ? 2 : 1));
    CHECK(test::decoded(out.written(), read, piece) == sent);
}

TEST_CASE("texts above their limit are refused before they are read", "[wire]") {
    const auto read = [](Reader& in) { return in.vstring("name", 200); };
    CHECK(test::refusal(test::from_hex("80c9"), read) == ErrorKind::peer);
    CHECK(test::refusal(test::from_hex("8005"), read) == ErrorKind::peer);  // two bytes for a length of five
    CHECK(test::refusal(test::from_hex("80c8"), read) == ErrorKind::network);
}

TEST_CASE("lines end at a newline and arguments at NUL, and nothing behind them is lost", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    test::Bytes source{std::string_view{"one\r\n\ntwo\0\0rest", 15}, piece};
    Reader in{source};
    CHECK(in.line("line", 4) == "one");
    CHECK(in.line("line", 4).empty());
    CHECK(in.argument("argument", 3) == "two");
    CHECK(in.argument("argument", 3).empty());
    base::Bytes rest(4);
    CHECK(in.read_some(rest) > 0);
}

TEST_CASE("lines with NUL, without end or above their limit are refused", "[wire]") {
    const auto read = [](Reader& in) { return in.line("line", 4); };
    CHECK(test::refusal(base::as_bytes(std::string_view{"a\0b\n", 4}), read) == ErrorKind::peer);
    CHECK(test::refusal(base::as_bytes("abcde\n"), read) == ErrorKind::peer);
    CHECK(test::refusal(base::as_bytes("abcdefgh"), read) == ErrorKind::peer);
    CHECK(test::refusal(base::as_bytes("abc"), read) == ErrorKind::network);
}

TEST_CASE("a reader hands on what it did not use", "[wire]") {
    test::Bytes source{"abcdef", 4};
    Reader first{source};
    CHECK(first.byte("letter") == 'a');
    Reader second{static_cast<base::ByteSource&>(first)};
    first.skip("letter", 1);
    CHECK(second.text("rest", 4) == "cdef");
    CHECK(second.at_end());
}
