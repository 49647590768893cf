#include <catch2/catch.hpp>

#include "ft/wire/greeting.h"
#include "ft/wire/writer.h"
#include "rsync/exchange.h"
#include "tree/fake_directory.h"

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

/// Asks an ft for the whole module, says that it wants nothing of it, and remembers what it hears.
class Client : public base::Stream {
public:
    std::size_t read_some(std::span<std::byte> into) override { return said_.read_some(into); }
    void write(std::span<const std::byte> data) override { heard += base::as_text(data); }
    void flush() override {}
    void shut_down() noexcept override {}

    std::string heard;

private:
    Bytes said_{greeting() + arguments() + offers_and_filters({"xxh128 xxh3 xxh64 md5"}) +
                std::string{"\5\0\0\7\0\0\0\0\0", 9}};
};

/// A tree of two directories, the first of which has many files.
struct Scanned {
    Scanned() {
        for (const char* path : {".", "many", "next"})
            FakeDirectory::add(disk, path, base::FileType::directory);
        for (int number = 0; number < 10'000; ++number)
            FakeDirectory::add(disk, "many/" + std::to_string(number), base::FileType::regular);
    }
    rsync::Served serve(Client& client) {
        const FakeDirectory root{disk, "."};
        const tree::Rules rules;
        base::Progress progress;
        base::Cancellation cancellation;
        rsync::ServeOptions options;
        options.modules.push_back({.name = "data", .comment = "", .root = &root, .rules = &rules});
        options.fill_random = [](std::span<std::byte> into) { std::ranges::fill(into, std::byte{7}); };
        return rsync::serve(client, options, progress, cancellation);
    }

    FakeDirectory::Disk disk;
};

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

TEST_CASE("a source sends its list while it scans", "[rsync]") {
    Client client;
    Scanned tree;
    std::size_t heard_before = 0;
    tree.disk.on_list = [&](const std::string& path) {
        if (path == "next") heard_before = client.heard.size();
    };
    CHECK(tree.serve(client).refused == "");
    CHECK(heard_before > client.heard.size() / 2);
}

TEST_CASE("a scan that fails behind a part of the list is told, and is the end", "[rsync]") {
    Client client;
    Scanned tree;
    tree.disk.on_list = [&](const std::string& path) {
        if (path == "next") throw base::Error{base::ErrorKind::unfit, "more than can be listed"};
    };
    CHECK(tree.serve(client).refused == "more than can be listed");
    const std::size_t told = client.heard.find("@ERROR: more than can be listed\n");
    CHECK(told != std::string::npos);
    CHECK(told > client.heard.size() / 2);
    CHECK(client.heard.ends_with(std::string{"\4\0\0\135\13\0\0\0", 8}));  // the end by error, of files
}
