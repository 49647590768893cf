#include <catch2/catch.hpp>

#include <limits>
#include <random>

#include "ft/wire/index.h"
#include "wire/decoding.h"

using namespace ft;
using wire::IndexReader;
using wire::IndexWriter;
using wire::Reader;
using wire::Writer;

namespace {

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

base::Bytes encoded(const std::vector<std::int32_t>& indices) {
    Writer out;
    IndexWriter writer;
    for (const std::int32_t index : indices) writer.write(out, index);
    return out.take();
}

std::optional<base::ErrorKind> refusal_of(std::string_view hex, std::int32_t entries, bool incremental) {
    return test::refusal(test::from_hex(hex), [&](Reader& in) {
        IndexReader indices;
        while (!in.at_end()) indices.read(in, entries, incremental);
    });
}

}  // namespace

TEST_CASE("indices have the bytes of the protocol's table", "[wire]") {
    CHECK(encoded({-1}) == test::from_hex("00"));
    CHECK(encoded({0, 1, 254, 255}) == test::from_hex("0101fd01"));
    CHECK(encoded({253}) == test::from_hex("fe00fe"));
    CHECK(encoded({5, 5}) == test::from_hex("06fe0000"));
    CHECK(encoded({32766, 65534}) == test::from_hex("fe7ffffe80feff00"));
    CHECK(encoded({7, 3}) == test::from_hex("08fe80030000"));
    CHECK(encoded({0x12345678}) == test::from_hex("fe92785634"));
    CHECK(encoded({-2, -3}) == test::from_hex("ff01ff01"));
    CHECK(encoded({-102, -2}) == test::from_hex("ff65fffe80020000"));
    CHECK(encoded({0, -102, -1, 1}) == test::from_hex("01ff650001"));
}

TEST_CASE("random indices survive any fragmentation, each direction of numbers with its own state",
          "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u);
    std::mt19937_64 random{piece};
    std::vector<std::int32_t> sent;
    for (int i = 0; i < 50'000; ++i) {
        const auto number = static_cast<std::int32_t>((random() & kMost) >> (random() % 31));
        switch (random() % 4) {
            case 0:
                sent.push_back(wire::kDone);
                break;
            case 1:
                sent.push_back(wire::kFlistOffset - std::min(number, kMost - 101));
                break;
            default:
                sent.push_back(std::min(number, kMost - 1));
        }
    }
    test::Bytes source{encoded(sent), piece};
    Reader in{source};
    IndexReader indices;
    for (const std::int32_t index : sent) REQUIRE(indices.read(in, kMost, true) == index);
    CHECK(in.at_end());
}

TEST_CASE("only defined indices below the number of entries are legal", "[wire]") {
    CHECK(refusal_of("0a", 10, false) == std::nullopt);
    CHECK(refusal_of("0b", 10, false) == base::ErrorKind::peer);
    CHECK(refusal_of("01", 0, false) == base::ErrorKind::peer);
    CHECK(refusal_of("ff02", 10, false) == std::nullopt);           // -3
    CHECK(refusal_of("ff01", 10, false) == base::ErrorKind::peer);  // -2 outside incremental recursion
    CHECK(refusal_of("ff01", 10, true) == std::nullopt);
    CHECK(refusal_of("ff03", 10, true) == base::ErrorKind::peer);  // -4
    CHECK(refusal_of("ff64", 10, true) == std::nullopt);           // -101
    CHECK(refusal_of("ff64", 10, false) == base::ErrorKind::peer);
    CHECK(refusal_of("fffe80010000", 10, true) == base::ErrorKind::peer);     // -1 the long way
    CHECK(refusal_of("feffffffff01", kMost, true) == base::ErrorKind::peer);  // beyond 2^31 - 1
}

TEST_CASE("an index has one encoding only", "[wire]") {
    CHECK(refusal_of("fe0005", kMost, true) == base::ErrorKind::peer);
    CHECK(refusal_of("fe80050000", kMost, true) == base::ErrorKind::peer);
    CHECK(refusal_of("ff00", kMost, true) == base::ErrorKind::peer);
    CHECK(refusal_of("ffff", kMost, true) == base::ErrorKind::peer);
}

TEST_CASE("every truncated index is an ended connection", "[wire]") {
    const std::vector<std::int32_t> sent{0, 300, 2, -1, 70000, -103};
    test::damage(encoded(sent), [&](Reader& in) {
        IndexReader indices;
        for (std::size_t i = 0; i < sent.size(); ++i) indices.read(in, kMost, true);
    });
}
