#include <catch2/catch.hpp>

#include "ft/wire/greeting.h"
#include "wire/decoding.h"

using namespace ft;
using base::DigestKind;
using wire::Greeting;

TEST_CASE("greetings tell the protocol of both and the peer's digests", "[wire]") {
    const auto [line, protocol, digests] = GENERATE(table<const char*, int, std::vector<std::string>>({
        {"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4", 32, {"sha512", "sha256", "sha1", "md5", "md4"}},
        {"@RSYNCD: 31.0", 31, {}},
        {"@RSYNCD: 31.0 md5", 31, {"md5"}},
        {"@RSYNCD: 30.0", 30, {}},
        {"@RSYNCD: 33.0 md5", 32, {"md5"}},
        {"@RSYNCD: 40.7 MD5", 32, {"md5"}},
        {"@RSYNCD: 32.2 md5", 31, {"md5"}},
    }));
    CHECK(wire::parse_greeting(line) == Greeting{.protocol = protocol, .digests = digests});
}

TEST_CASE("greetings that no peer of ours sends are refused", "[wire]") {
    const auto* line = GENERATE("", "SSH-2.0-OpenSSH_9.2", "@RSYNCD: ", "@RSYNCD: 29.0", "@RSYNCD: 32 md5",
                                "@RSYNCD: 32.", "@RSYNCD: -32.0", "@RSYNCD: 32.0", "@RSYNCD: 32.0x md5",
                                "@RSYNCD: 30.1", "@RSYNCD: 99999999999.0 md5", "@RSYNCD: 32.0  md5",
                                "@RSYNCD: 32.0 md5\x1b[2J", "@RSYNCD: 32.0 abcdefghijklmnopq",
                                "@rsyncd: 32.0 md5", "@RSYNCD: 32.0 a b c d e f g h i j k l m n o p q");
    INFO(line);
    CHECK_THROWS_AS(wire::parse_greeting(line), base::Error);
}

TEST_CASE("our greeting is one that we take", "[wire]") {
    CHECK(wire::our_greeting() == "@RSYNCD: 32.0 sha512 sha256 sha1 md5");
    CHECK(wire::parse_greeting(wire::our_greeting()).digests.size() == 4);
}

TEST_CASE("the own most preferred name that the peer has is chosen", "[wire]") {
    CHECK(wire::choose(wire::checksums(), {"xxh3", "md5", "xxh128"}) == DigestKind::xxh128);
    CHECK(wire::choose(wire::checksums(), {"md5", "none"}) == DigestKind::md5);
    CHECK(wire::choose(wire::checksums(), {"sha1", "none"}) == std::nullopt);
    CHECK(wire::choose(wire::auth_digests(), {"md4", "md5", "sha1"}) == DigestKind::sha1);
}

TEST_CASE("lists of names are written with none by servers only, and come back", "[wire]") {
    wire::Writer out;
    wire::write_names(out, wire::names_of(wire::checksums()), true);
    wire::write_names(out, wire::names_of(wire::checksums()), false);
    CHECK(base::as_text(out.written()) == "\x1axxh128 xxh3 xxh64 md5 none\x15xxh128 xxh3 xxh64 md5");
    test::Bytes source{out.take(), 3};
    wire::Reader in{source};
    CHECK(wire::read_names(in, "checksum list") ==
          std::vector<std::string>{"xxh128", "xxh3", "xxh64", "md5", "none"});
    CHECK(wire::read_names(in, "checksum list") ==
          std::vector<std::string>{"xxh128", "xxh3", "xxh64", "md5"});
}

TEST_CASE("lists of names are limited", "[wire]") {
    const auto read = [](wire::Reader& in) { return wire::read_names(in, "checksum list"); };
    const auto refusal_of = [&](const std::string& names) {
        wire::Writer out;
        out.vstring(names);
        return test::refusal(out.written(), read);
    };
    std::string names = "a";
    for (int i = 1; i < 32; ++i) names += " a";
    CHECK(refusal_of(names) == std::nullopt);
    CHECK(refusal_of(names + " a") == base::ErrorKind::peer);
    CHECK(refusal_of("a  b") == base::ErrorKind::peer);
    CHECK(refusal_of(std::string(1024, 'a')) == std::nullopt);
    CHECK(refusal_of(std::string(1025, 'a')) == base::ErrorKind::peer);
    CHECK(refusal_of("") == std::nullopt);
}

TEST_CASE("compatibility flags follow the client's letters", "[wire]") {
    CHECK(wire::compat_allowed("iLsfxCIvu") == 0x1ff);
    CHECK(wire::compat_granted("iLsfxCIvu") == 0x1ba);
    CHECK(wire::compat_granted("") == wire::kSymlinkTimes);
    const auto read = [](wire::Reader& in) { return wire::read_compat(in, wire::compat_allowed("LfxCvu")); };
    CHECK(test::decoded(test::from_hex("81be"), read) == 0x1be);
    CHECK(test::refusal(test::from_hex("81bf"), read) == base::ErrorKind::peer);  // incremental recursion
    CHECK(test::refusal(test::from_hex("8200"), read) == base::ErrorKind::peer);  // a flag that nobody knows
    CHECK(test::refusal(test::from_hex("f0ffffffff"), read) == base::ErrorKind::peer);
}

TEST_CASE("answers to a challenge are unpadded base64 of the right length", "[wire]") {
    CHECK(wire::auth_response(DigestKind::sha512, "secret", "challenge").size() == 86);
    CHECK(wire::auth_response(DigestKind::sha256, "secret", "challenge").size() == 43);
    CHECK(wire::auth_response(DigestKind::sha1, "secret", "challenge").size() == 27);
    CHECK(wire::auth_response(DigestKind::md5, "", "") == "1B2M2Y8AsgTpgAmY7PhCfg");  // MD5 of nothing
}
