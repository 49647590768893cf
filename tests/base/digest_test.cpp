#include "ft/base/digest.h"

#include <catch2/catch.hpp>
#include <string>

#include "ft/base/bytes.h"
#include "ft/base/error.h"

using namespace ft::base;

TEST_CASE("the digests of known texts are the known ones", "[base]") {
    CHECK(digest_of(DigestKind::xxh128, as_bytes("hello world\n")).hex() ==
          "254448a533e7b23613cd0071d8c9faee");
    CHECK(digest_of(DigestKind::xxh3, as_bytes("")).hex() == "c294d3380580062d");
    CHECK(digest_of(DigestKind::xxh3, as_bytes("hello world\n")).hex() == "de6b3cb7d47e2fd4");
    CHECK(digest_of(DigestKind::xxh64, as_bytes("")).hex() == "99e9d85137db46ef");
    CHECK(digest_of(DigestKind::xxh64, as_bytes("hello world\n")).hex() == "8c6d7d203be11552");
    CHECK(digest_of(DigestKind::md5, as_bytes("")).hex() == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(digest_of(DigestKind::md5, as_bytes("abc")).hex() == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(digest_of(DigestKind::sha1, as_bytes("abc")).hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(digest_of(DigestKind::sha256, as_bytes("abc")).hex() ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest_of(DigestKind::sha512, as_bytes("abc")).hex() ==
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("a digest does not depend on how its stream is cut, and a hasher starts anew after it", "[base]") {
    const std::string text(10000, 'x');
    for (const DigestKind kind :
         {DigestKind::xxh128, DigestKind::xxh3, DigestKind::xxh64, DigestKind::md5, DigestKind::sha512}) {
        for (const std::int32_t seed : {0, 7, -3}) {
            Hasher hasher{kind, seed};
            for (int round = 0; round < 2; ++round) {
                for (std::size_t at = 0; at < text.size(); at += 999)
                    hasher.update(as_bytes(text).subspan(at, std::min<std::size_t>(999, text.size() - at)));
                CHECK(hasher.finish() == digest_of(kind, as_bytes(text), seed));
            }
        }
    }
}

TEST_CASE("a seed changes the xx digests and nothing else", "[base]") {
    for (const DigestKind kind : {DigestKind::xxh128, DigestKind::xxh3, DigestKind::xxh64})
        CHECK_FALSE(digest_of(kind, as_bytes("a"), 1) == digest_of(kind, as_bytes("a"), -1));
    CHECK(digest_of(DigestKind::md5, as_bytes("a"), 1) == digest_of(DigestKind::md5, as_bytes("a")));
}

TEST_CASE("kinds are found by the names they have", "[base]") {
    for (const DigestKind kind : {DigestKind::xxh128, DigestKind::xxh3, DigestKind::xxh64, DigestKind::md5,
                                  DigestKind::sha1, DigestKind::sha256, DigestKind::sha512}) {
        CHECK(digest_kind(name_of(kind)) == kind);
        CHECK(digest_size(kind) == digest_of(kind, as_bytes("")).bytes().size());
    }
    CHECK(digest_kind("xxh32") == std::nullopt);
}

TEST_CASE("digests of different lengths differ, and 64 bytes are the most", "[base]") {
    const Bytes zeros(65);
    CHECK_FALSE(Digest{std::span{zeros}.first(16)} == Digest{std::span{zeros}.first(20)});
    CHECK(Digest{std::span{zeros}.first(0)} == Digest{});
    CHECK_THROWS_AS(Digest{zeros}, Error);
}
