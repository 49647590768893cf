#include <catch2/catch.hpp>

#include "ft/wire/writer.h"
#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

const Tree kOurs{{".", directory(1)}, {"old", file("old")}};

/// How our client takes what a source says; its tree must stay as it was.
std::string error_of(std::string_view source) {
    Exchange exchange{kOurs, kOurs};
    exchange.options.credentials = rsync::Credentials{"mover", "secret"};
    Replayed stream{source};
    exchange.pull(stream);
    CHECK(exchange.pull_error != "");
    CHECK((exchange.pull_error_kind == base::ErrorKind::peer ||
           exchange.pull_error_kind == base::ErrorKind::network));
    CHECK(exchange.ours() == kOurs);
    for (const char c : exchange.pull_error) CHECK(static_cast<unsigned char>(c) >= ' ');
    return exchange.pull_error;
}

constexpr const char* kGreeting = "@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n";

std::string setup(std::int32_t compat, const std::string& checksums) {
    wire::Writer out;
    out.varint(compat);
    if (!checksums.empty()) out.vstring(checksums);
    out.int32(7);
    return std::string{kGreeting} + "@RSYNCD: OK\n" + std::string{base::as_text(out.written())};
}

}  // namespace

TEST_CASE("S1: what is no greeting ends the session in words", "[rsync]") {
    for (const std::string& first :
         {std::string{"@RSYNCD: 19.0\n"}, std::string{"@RSYNCD: 1099511627776.0 md5\n"},
          std::string{"@RSYNCD: -1.0 md5\n"}, std::string{"HTTP/1.1 400 Bad Request\r\n"}, std::string{},
          std::string(100'000, 'x'), std::string{"\0\0\0\0\n", 5}}) {
        const std::string error = error_of(first);
        INFO(error);
        CHECK(error.find("greeting") != std::string::npos);
    }
}

TEST_CASE("S2: a message of the day has an end, a challenge comes once, and all is escaped", "[rsync]") {
    std::string endless{kGreeting};
    for (int i = 0; i < 2000; ++i) endless += "welcome\n";
    CHECK(error_of(endless) == "the message of the day has no end");
    std::string wide{kGreeting};
    for (int i = 0; i < 30; ++i) wide += std::string(4000, 'w') + "\n";
    CHECK(error_of(wide) == "the message of the day has no end");
    CHECK(error_of(std::string{kGreeting} + "@ERROR: \x1b[2J no\n") ==
          "the source refuses data: @ERROR: \\x1b[2J no");
    CHECK(error_of(std::string{kGreeting} + "@RSYNCD: AUTHREQD abc\n@RSYNCD: AUTHREQD abc\n") ==
          "the challenge comes twice");
    CHECK(error_of(std::string{kGreeting} + "@RSYNCD: AUTHREQD " + std::string(300, 'x') + "\n") ==
          "the challenge has 300 bytes");
    CHECK(error_of("@RSYNCD: 32.0 md4\n@RSYNCD: AUTHREQD abc\n") == "the list of digests names none of ours");
}

TEST_CASE("S3: a checksum of ours must be agreed on, and flags be offered ones", "[rsync]") {
    for (const char* const checksums : {"none", "md4 sha1 none", "sha1"}) {
        const std::string error = error_of(setup(0x80, checksums));
        CHECK(error.starts_with("no checksum is common: ours are xxh128 xxh3 xxh64 md5; theirs are "));
    }
    CHECK(error_of(setup(0x80, std::string(2000, 'x'))).find("checksum list") != std::string::npos);
    CHECK(error_of(setup(0x40, "")) == "the compatibility flags 0x40 hold some that were not offered");
    CHECK(error_of(setup(0x1000, "")).find("were not offered") != std::string::npos);
}

TEST_CASE("S11: lists that come in pieces are refused by their flag", "[rsync]") {
    CHECK(error_of(setup(0x01, "")) == "the compatibility flags 0x1 hold some that were not offered");
}

TEST_CASE("S12: a list ends at its budget of memory, names, links and sums included", "[rsync]") {
    Tree theirs{{".", directory()}};
    for (int i = 0; i < 2000; ++i) theirs[std::to_string(i) + std::string(200, 'n')] = file("content");
    const bool sums = GENERATE(false, true);
    const bool linked = GENERATE(false, true);
    Exchange exchange{theirs, kOurs};
    exchange.options.verify_content = sums;
    if (linked) {
        const auto root = exchange.source.open("/data");
        for (const auto& [path, object] : theirs) {
            if (path != ".") root->link(path, *root, "of " + path);
        }
    }
    const std::uint64_t names = linked ? 4000 : 2000;
    const std::uint64_t texts = linked ? 2000 * 2 * 204 + 2000 * 3 : 2000 * 204;  // at most
    const std::uint64_t enough =
        (names + 1) * 100 + texts + (linked ? names * 32 : 0) + (sums ? names * 16 : 0);
    exchange.options.list_memory = enough - enough / 20;
    CHECK_FALSE(exchange.run());
    INFO(exchange.pull_error);
    CHECK(exchange.pull_error.starts_with(linked
                                              ? "the file list needs more than 1 MiB of memory at entry "
                                              : "the file list needs more than 0 MiB of memory at entry "));
    CHECK(exchange.pull_error_kind == base::ErrorKind::peer);
    CHECK(exchange.ours() == kOurs);
    exchange.options.list_memory = enough;
    CHECK(exchange.run());
    CHECK(exchange.ours() == exchange.theirs());
}
