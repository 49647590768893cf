#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "ft/base/acl.h"
#include "ft/base/extended.h"
#include "rsync/exchange.h"
#include "rsync/requests.h"
#include "wire/damage_step.h"

using namespace ft;
using namespace ft::test;

namespace {

const std::string kExtended =
    base::pack({{"user.long", std::string(40, 'L')},
                {"user.short", "s"},
                {base::kDefaultAcl,
                 base::to_kernel({.mask = 7, .named = {{.id = 1, .user = true, .permissions = 7}}})}});
const Tree kTheirs{
    {".", directory(1)},    {"changed", file(noise(3000), 2)},
    {"d", directory(3)},    {"e", {base::FileType::directory, {0700, 0, 0, {4, 0}}, "", kExtended}},
    {"d/new", file("new")}, {"l", link("x")}};
const Tree kOurs{{".", directory(1)}, {"changed", file(noise(2000), 1)}, {"old", file("old")}};

/// How a daemon with kTheirs, as `module`, takes what a client says: "done", or the error.
std::string serve_to(std::string_view client, const std::string& module = "data") {
    Exchange exchange{kTheirs, kOurs};
    const auto root = exchange.source.open("/data");
    rsync::ServeOptions options = exchange.serve_options(*root);
    options.modules.front().name = module;
    Replayed stream{client};
    base::Progress progress;
    base::Cancellation cancellation;
    try {
        const rsync::Served served = rsync::serve(stream, options, progress, cancellation);
        return served.refused.empty() ? "done" : served.refused;
    } catch (const base::Error& error) {
        CHECK((error.kind() == base::ErrorKind::peer || error.kind() == base::ErrorKind::network));
        return error.what();
    }
}

std::set<std::string> contents(const Tree& tree) {
    std::set<std::string> found;
    for (const auto& [path, object] : tree) {
        if (object.type == base::FileType::regular) found.insert(object.content);
    }
    return found;
}

/// The same for a pull, whose tree must stay as it was unless it ends well; then no file may have a content
/// that the source does not have.
std::string pull_from(const Said& source, const std::vector<wire::Compression>& compressions = {}) {
    static const std::set<std::string> kServed = contents(kTheirs);
    Exchange exchange{kTheirs, kOurs};
    exchange.options.compressions = compressions;
    Replayed stream{source};
    exchange.pull(stream);
    if (exchange.pull_error.empty()) {
        const std::set<std::string> got = contents(exchange.ours());
        CHECK(std::includes(kServed.begin(), kServed.end(), got.begin(), got.end()));
        return "done";
    }
    CHECK(exchange.pull_error_kind != base::ErrorKind::internal);
    CHECK(exchange.ours() == kOurs);
    return exchange.pull_error;
}

/// The module that a recorded client names.
std::string module_of(std::string_view client) {
    const std::size_t begin = client.find('\n') + 1;
    return std::string{client.substr(begin, client.find('\n', begin) - begin)};
}

/// Calls `take` with each version of `whole` that has one byte damaged: a bit in turn (FT_ALL_BITS=1: each),
/// and all of it.
void damage(const std::string& whole, const std::function<void(const std::string&)>& take) {
    for (std::size_t at = 0; at < whole.size(); at += kDamageStep) {
        const bool all_bits = std::getenv("FT_ALL_BITS") != nullptr;
        for (const int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
            if (!all_bits && mask != 1 << (at % 8) && mask != 255) continue;
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ mask);
            INFO("byte " << at << " with " << mask);
            take(damaged);
        }
    }
}

}  // namespace

TEST_CASE("a connection that is gone after any byte of either side ends both and changes nothing",
          "[rsync]") {
    Exchange whole{kTheirs, kOurs};
    REQUIRE(whole.run());
    for (std::uint64_t length = 1; length < whole.said_by_source.bytes.size(); ++length) {
        INFO("cut after byte " << length << " of the source");
        Exchange exchange{kTheirs, kOurs};
        exchange.cut_source = length;
        exchange.run();
        CHECK((exchange.pull_error_kind == base::ErrorKind::network ||
               exchange.pull_error_kind == base::ErrorKind::peer));
        CHECK(exchange.ours() == kOurs);
    }
    // The last frame says goodbye: all has arrived before it.
    for (std::uint64_t length = 1; length < whole.said_by_destination.bytes.size() - 5; ++length) {
        INFO("cut after byte " << length << " of the destination");
        Exchange exchange{kTheirs, kOurs};
        exchange.cut_destination = length;
        exchange.run();
        CHECK(exchange.serve_error != "");
        CHECK(exchange.pull_error != "");
        CHECK(exchange.ours() == kOurs);
    }
}

TEST_CASE("a flipped bit of either side ends the session, or no file is other than at the source",
          "[rsync]") {
    const auto compression =
        GENERATE(wire::Compression::none, wire::Compression::zstd, wire::Compression::lz4,
                 wire::Compression::zlibx, wire::Compression::zlib);
    INFO(wire::name_of(compression));
    std::vector<wire::Compression> compressions;
    if (compression != wire::Compression::none) compressions = {compression};
    Exchange whole{kTheirs, kOurs};
    whole.options.compressions = compressions;
    REQUIRE(whole.run());
    REQUIRE(pull_from(whole.said_by_source, compressions) == "done");
    damage(whole.said_by_source.bytes, [&](const std::string& damaged) {
        pull_from({damaged, whole.said_by_source.after}, compressions);
    });
    damage(whole.said_by_destination.bytes, [](const std::string& damaged) { serve_to(damaged); });
}

TEST_CASE("what a stock client said, with any byte damaged, neither hangs nor harms our daemon", "[rsync]") {
    const std::string name = GENERATE("tiny", "plain", "delta", "md5-delta", "special-noinc", "io-error",
                                      "proto30", "auth-ok", "zstd", "delta-zstd");
    INFO(name);
    const auto bytes = read_data("wire-captures/" + name + ".c2s.bin");
    const std::string client{base::as_text(bytes)};
    const std::string module = module_of(client);
    damage(client, [&](const std::string& damaged) { serve_to(damaged, module); });
}

TEST_CASE("a recorded session of stock rsync, cut anywhere, neither hangs nor harms either role", "[rsync]") {
    const std::string name = GENERATE("tiny", "plain", "delta", "md5-delta", "special-noinc", "io-error",
                                      "proto30", "auth-ok", "auth-fail", "modlist", "zstd");
    INFO(name);
    const auto s2c = read_data("wire-captures/" + name + ".s2c.bin");
    const auto c2s = read_data("wire-captures/" + name + ".c2s.bin");
    const std::string_view source = base::as_text(s2c);
    const std::string_view client = base::as_text(c2s);
    for (std::size_t length = 0; length <= std::min<std::size_t>(source.size(), 1200); ++length) {
        CHECK(pull_from({std::string{source.substr(0, length)}, {}}) != "done");
    }
    for (std::size_t length = 0; length <= std::min<std::size_t>(client.size(), 1200); ++length) {
        const bool listing = name == "modlist" && length == client.size();
        const std::string outcome = serve_to(client.substr(0, length), module_of(client));
        CHECK((outcome == "done") == listing);
    }
}

TEST_CASE("a source that lists the reserved directory is refused", "[rsync]") {
    Exchange exchange{{{".", directory()}, {"xft-staging", file("x")}}, {{".", directory()}}};
    exchange.to_destination = {replacing("xft-staging", ".ft-staging")};
    exchange.run();
    CHECK(exchange.pull_error == "the file list names .ft-staging, which is reserved");
}

TEST_CASE("an answer that nobody asked for, or a word of being done too early, is the source's fault",
          "[rsync]") {
    rsync::Requests requests;
    CHECK_THROWS_WITH(requests.require_answered(),
                      "the source says that it is done before it was asked for all");
    rsync::Requests::Request request;
    request.item.index = 7;
    requests.open(request);
    CHECK_THROWS_WITH(requests.take(8), "the source answers for file 8, which nobody asked for");
    requests.close_phase();
    CHECK_THROWS_WITH(requests.require_answered(),
                      "the source says that it is done, and 1 files that it was asked for are missing");
    requests.ask_again(requests.take(7));
    CHECK_THROWS_WITH(requests.take(7), "the source answers for file 7, which nobody asked for");
    requests.require_answered();
    CHECK(requests.wait_for_answers().size() == 1);
    CHECK_THROWS_WITH(requests.require_answered(),
                      "the source says that it is done before it was asked for all");
    requests.stop();
    CHECK_THROWS_AS(requests.wait_for_end(), base::Error);
}
