#include <catch2/catch.hpp>

#include "ft/wire/tokens.h"
#include "wire/decoding.h"

using namespace ft;
using base::ErrorKind;
using wire::BlockLength;
using wire::Reader;
using wire::SumHead;
using wire::Token;
using wire::TokenReader;
using wire::TokenWriter;

namespace {

constexpr SumHead kHead{.count = 3, .block = BlockLength{700}, .strong = 2, .remainder = 100};

/// Literal bytes as they are, blocks as "<index>".
std::string told(Reader& in, const SumHead& head, std::uint64_t most) {
    TokenReader tokens{in, head, most};
    std::string text;
    while (true) {
        const Token token = tokens.next();
        if (token.kind == Token::Kind::end) return text;
        if (token.kind == Token::Kind::literal) text += base::as_text(token.data);
        if (token.kind == Token::Kind::block) text += "<" + std::to_string(token.block) + ">";
    }
}

std::optional<ErrorKind> refusal_of(std::string_view hex, const SumHead& head, std::uint64_t most) {
    return test::refusal(test::from_hex(hex), [&](Reader& in) { told(in, head, most); });
}

}  // namespace

TEST_CASE("tokens have the bytes of the protocol", "[wire]") {
    test::Collected sink;
    TokenWriter out{sink};
    out.literal(base::as_bytes("ab"));
    out.block(0);
    out.block(2);
    out.literal({});
    out.end();
    CHECK(sink.bytes == test::from_hex("020000006162"
                                       "ffffffff"
                                       "fdffffff"
                                       "00000000"));
}

TEST_CASE("tokens survive any fragmentation, long literals in runs of 32 KiB", "[wire]") {
    const auto piece = GENERATE(1u, 3u, 16u, 65536u);
    const std::string data(100'000, 'x');
    test::Collected sink;
    TokenWriter out{sink};
    out.block(1);
    out.literal(base::as_bytes(data));
    out.block(2);
    out.end();
    CHECK(sink.bytes.size() == data.size() + 4 + 4 * 4 + 4 + 4);
    const auto read = [&](Reader& in) { return told(in, kHead, data.size() + 800); };
    CHECK(test::decoded(sink.bytes, read, piece) == "<1>" + data + "<2>");
}

TEST_CASE("a block that the basis does not have is refused", "[wire]") {
    CHECK(refusal_of("fdffffff00000000", kHead, 10'000) == std::nullopt);
    CHECK(refusal_of("fcffffff00000000", kHead, 10'000) == ErrorKind::peer);
    CHECK(refusal_of("00000080", kHead, 10'000) == ErrorKind::peer);
    CHECK(refusal_of("ffffffff", SumHead{}, 10'000) == ErrorKind::peer);
}

TEST_CASE("a file ends within its bound, before the bytes beyond it are read", "[wire]") {
    CHECK(refusal_of("0200000061620000"
                     "0000",
                     kHead, 2) == std::nullopt);
    CHECK(refusal_of("03000000", kHead, 2) == ErrorKind::peer);
    CHECK(refusal_of("ffffff7f", kHead, 1000) == ErrorKind::peer);
    CHECK(refusal_of("fdffffff"
                     "fdffffff"
                     "00000000",
                     kHead, 200) == std::nullopt);  // the short block
    CHECK(refusal_of("fdffffff"
                     "fdffffff",
                     kHead, 199) == ErrorKind::peer);
    CHECK(refusal_of("feffffff", kHead, 699) == ErrorKind::peer);
}

TEST_CASE("a damaged token stream ends in an error or in values", "[wire]") {
    test::damage(test::from_hex("0500000061626364"
                                "65"
                                "ffffffff"
                                "0100000061"
                                "00000000"),
                 [](Reader& in) { told(in, kHead, 5000); });
}
