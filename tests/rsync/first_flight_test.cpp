#include <catch2/catch.hpp>

#include "ft/wire/greeting.h"
#include "ft/wire/writer.h"
#include "rsync/exchange.h"

using namespace ft;
using namespace ft::test;

namespace {

const Tree kTheirs{{".", directory(1)}, {"file", file("new", 2)}};
const Tree kOurs{{".", directory(1)}, {"file", file("old", 1)}};

std::string greeting() { return wire::our_greeting() + "\n"; }

std::string arguments(std::string_view compression = "") {
    std::string sent = "data\n";
    const std::string letters = "-logDtpAHXr" + std::string{compression} + "e.LfxCvu";
    for (const std::string& argument : {std::string{"--server"}, std::string{"--sender"}, letters,
                                        std::string{"."}, std::string{"data/"}, std::string{}}) {
        sent += argument + '\0';
    }
    return sent;
}

std::string offers_and_filters(const std::vector<std::string>& lists) {
    wire::Writer out;
    for (const std::string& names : lists) out.vstring(names);
    out.int32(7 << 24 | 4);
    out.int32(0);
    return std::string{base::as_text(out.written())};
}

/// What our client makes of what a source says that it takes for ft.
std::string error_of(std::string_view source) {
    Exchange exchange{kOurs, kOurs};
    exchange.options.source_is_ft = true;
    Replayed stream{source};
    exchange.pull(stream);
    CHECK(exchange.pull_error_kind == base::ErrorKind::peer);
    CHECK(exchange.ours() == kOurs);
    return exchange.pull_error;
}

}  // namespace

TEST_CASE("ft is told all before the file list at once, any other daemon its module and arguments",
          "[rsync]") {
    Exchange exchange{kTheirs, kOurs};
    std::string first = greeting() + arguments();
    SECTION("a stock daemon") {}
    SECTION("ft") {
        exchange.options.source_is_ft = true;
        first += offers_and_filters({"xxh128 xxh3 xxh64 md5"});
    }
    SECTION("ft, compressed") {
        exchange.options.source_is_ft = true;
        exchange.options.compressions = {wire::Compression::zstd};
        first = greeting() + arguments("z") + offers_and_filters({"xxh128 xxh3 xxh64 md5", "zstd"});
    }
    REQUIRE(exchange.run());
    CHECK(exchange.said_by_destination.first() == first);
    CHECK(exchange.ours() == kTheirs);
}

TEST_CASE("where a challenge may come nothing is said ahead", "[rsync]") {
    Exchange exchange{kTheirs, kOurs};
    exchange.options.source_is_ft = GENERATE(false, true);
    exchange.options.credentials = exchange.credentials = rsync::Credentials{"mover", "secret"};
    REQUIRE(exchange.run());
    CHECK(exchange.said_by_destination.first() == greeting());
    CHECK(exchange.ours() == kTheirs);
}

TEST_CASE("who said all at once hears the source's refusals in its own words", "[rsync]") {
    Exchange exchange{kTheirs, kOurs};
    exchange.options.source_is_ft = GENERATE(false, true);
    SECTION("of the module") {
        exchange.options.module = "other";
        CHECK_FALSE(exchange.run());
        CHECK(exchange.pull_error == "the source refuses other: @ERROR: Unknown module 'other'");
        CHECK(exchange.served.refused == "Unknown module 'other'");
    }
    SECTION("without a secret") {
        exchange.credentials = rsync::Credentials{"mover", "secret"};
        CHECK_FALSE(exchange.run());
        CHECK(exchange.pull_error == "the source asks for a password for data");
    }
    SECTION("of the checksums") {
        exchange.options.checksums = {base::DigestKind::xxh64};
        exchange.to_source = {replacing("xxh64", "xxh65")};
        exchange.to_destination = {replacing("xxh64", "xxh65")};
        CHECK_FALSE(exchange.run());
        CHECK(exchange.pull_error.starts_with("no checksum is common: ours are xxh64; theirs are "));
    }
    CHECK(exchange.ours() == kOurs);
}

TEST_CASE("who said all at once takes no answer that does not fit it", "[rsync]") {
    CHECK(error_of("HTTP/1.1 400 Bad Request\r\n").starts_with("the greeting is not that of rsync"));
    CHECK(error_of("@RSYNCD: 29.0\n").starts_with("the greeting has a version below 30"));
    CHECK(error_of(greeting() + "@ERROR: too many connections\n") ==
          "the source refuses data: @ERROR: too many connections");
    CHECK(error_of(greeting() + "@RSYNCD: EXIT\n") ==
          "the answer to the module's name is the end of the session");
    CHECK(error_of(greeting() + "@RSYNCD: OK\n" + std::string(5, '\0')) ==
          "the compatibility flags lack that of the negotiation");
}
