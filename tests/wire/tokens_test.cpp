#include <catch2/catch.hpp>

#include <random>
#include <utility>
#include <variant>

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
    out.block(0, {});
    out.block(2, {});
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
    out.block(1, {});
    out.literal(base::as_bytes(data));
    out.block(2, {});
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

namespace {

/// Files of literal runs and blocks, as a session of one compression carries them.
struct Compressed {
    explicit Compressed(wire::Compression kind, int protocol = 32)
        : kind_{kind}, protocol_{protocol}, compressor_{wire::make_compressor(kind, protocol)} {}

    static constexpr SumHead kBasis{.count = 100'000, .block = BlockLength{700}, .strong = 2, .remainder = 0};
    static std::string content_of(std::int32_t block) {
        std::string content = "block " + std::to_string(block) + ": ";
        while (content.size() < 700) content += std::to_string(block * content.size());
        content.resize(700);
        return content;
    }

    /// A literal run, or the blocks of a range.
    using Part = std::variant<std::string, std::pair<std::int32_t, std::int32_t>>;
    void write(const std::vector<Part>& parts) {
        TokenWriter out{sink_, compressor_.get()};
        std::string file;
        for (const Part& part : parts) {
            if (const auto* text = std::get_if<std::string>(&part)) {
                out.literal(base::as_bytes(*text));
                file += *text;
                continue;
            }
            const auto [first, last] = std::get<1>(part);
            for (std::int32_t block = first; block <= last; ++block) {
                const std::string content = content_of(block);
                out.block(block, base::as_bytes(content));
                file += content;
            }
        }
        out.end();
        files_.push_back(file);
    }

    std::vector<std::string> read(Reader& in) const {
        const auto decompressor = wire::make_decompressor(kind_, protocol_);
        std::vector<std::string> files;
        for (std::size_t i = 0; i < files_.size(); ++i) {
            TokenReader tokens{in, kBasis, 100'000'000, decompressor.get()};
            std::string file;
            for (Token token = tokens.next(); token.kind != Token::Kind::end; token = tokens.next()) {
                if (token.kind == Token::Kind::literal) {
                    file += base::as_text(token.data);
                    continue;
                }
                const std::string content = content_of(token.block);
                if (decompressor->wants_blocks()) decompressor->skip(base::as_bytes(content));
                file += content;
            }
            files.push_back(file);
        }
        return files;
    }

    const base::Bytes& bytes() const { return sink_.bytes; }
    const std::vector<std::string>& files() const { return files_; }

private:
    wire::Compression kind_;
    int protocol_;
    std::unique_ptr<wire::Compressor> compressor_;
    test::Collected sink_;
    std::vector<std::string> files_;
};

std::string noise(std::size_t length) {
    std::mt19937 random{7};
    std::string text(length, ' ');
    for (char& c : text) c = static_cast<char>(random());
    return text;
}

}  // namespace

TEST_CASE("compressed files are what was written, in any fragmentation", "[wire]") {
    const auto kind = GENERATE(wire::Compression::zstd, wire::Compression::lz4, wire::Compression::zlibx,
                               wire::Compression::zlib);
    const auto piece = GENERATE(1u, 16u, 65536u);
    INFO(wire::name_of(kind) << " in pieces of " << piece);
    Compressed session{kind};
    session.write({});
    session.write({"a"});
    session.write({std::string(100'000, 'x'), noise(70'000), std::string(40'000, 'y')});
    session.write(
        {std::pair{3, 3}, "one", "two", std::pair{4, 70}, std::pair{5, 5}, Compressed::content_of(71)});
    session.write(
        {noise(2 * wire::kLongestChunk + 5), std::pair{0, 66'000}, std::pair{99'999, 99'999}, "end"});
    const auto read = [&](Reader& in) { return session.read(in); };
    CHECK(test::decoded(session.bytes(), read, piece) == session.files());
    CHECK(session.bytes().size() < 200'000);
}

TEST_CASE("zlib of old knows the blocks between the runs", "[wire]") {
    const auto size = [](wire::Compression kind) {
        Compressed session{kind};
        session.write({std::pair{7, 7}, Compressed::content_of(7)});
        return session.bytes().size();
    };
    CHECK(size(wire::Compression::zlib) < 30);
    CHECK(size(wire::Compression::zlibx) > 200);
}

TEST_CASE("compressed blocks that the basis does not have, too much and damage are refused", "[wire]") {
    const auto read = [](std::string_view hex, std::uint64_t most = 10'000) {
        const auto decompressor = wire::make_decompressor(wire::Compression::lz4, 32);
        return test::refusal(test::from_hex(hex), [&](Reader& in) {
            TokenReader tokens{in, kHead, most, decompressor.get()};
            while (tokens.next().kind != Token::Kind::end) {
            }
        });
    };
    CHECK(read("00") == std::nullopt);
    CHECK(read("8000") == std::nullopt);
    CHECK(read("c0020000") == std::nullopt);     // all three
    CHECK(read("c0030000") == ErrorKind::peer);  // four
    CHECK(read("81818100") == ErrorKind::peer);  // the one after the last
    CHECK(read("200200000000") == std::nullopt);
    CHECK(read("200300000000") == ErrorKind::peer);
    CHECK(read("20ffffffff00") == ErrorKind::peer);
    CHECK(read("210000000002000000") == std::nullopt);
    CHECK(read("21010000000200") == ErrorKind::peer);
    CHECK(read("01") == ErrorKind::peer);
    CHECK(read("22") == ErrorKind::peer);
    CHECK(read("40021061"
               "00") == std::nullopt);  // "a" as a block of lz4
    CHECK(read("4001"
               "0000") == ErrorKind::peer);  // one of nothing
    CHECK(read("4000"
               "00") == ErrorKind::peer);
    CHECK(read("80", 699) == ErrorKind::peer);
    CHECK(read("40021061", 0) == ErrorKind::peer);
}

TEST_CASE("chunks that bring nothing come to an end", "[wire]") {
    const auto decompressor = wire::make_decompressor(wire::Compression::zlibx, 32);
    base::Bytes data;
    for (int i = 0; i < 1001; ++i) {
        data.push_back(std::byte{0x40});
        data.push_back(std::byte{0});
    }
    CHECK(test::refusal(data, [&](Reader& in) {
              TokenReader tokens{in, kHead, 10, decompressor.get()};
              tokens.next();
          }) == ErrorKind::peer);
}

TEST_CASE("a damaged compressed stream ends in an error or in values", "[wire]") {
    const auto kind = GENERATE(wire::Compression::zstd, wire::Compression::lz4, wire::Compression::zlibx,
                               wire::Compression::zlib);
    Compressed session{kind};
    session.write({"some text, some text, some text", std::pair{1, 4}, "and more text"});
    test::damage(session.bytes(), [&](Reader& in) { session.read(in); });
}
