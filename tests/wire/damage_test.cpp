#include <sys/resource.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>

#include "wire/damage_step.h"
#include "wire/replay.h"

using namespace ft;
using namespace ft::test;

namespace {

/// FT_ALL_BITS=1 (tests/model/damage-everywhere): each bit of each byte, not one of them and all at once.
bool all_bits() { return std::getenv("FT_ALL_BITS") != nullptr; }

/// All but `big`, which is the same a hundred times.
const std::vector<std::string> kSessions{"tiny",          "delta",     "md5-delta",  "proto30", "io-error",
                                         "tiny-zstd",     "zstd",      "delta-zstd", "plain",   "auth-ok",
                                         "special-noinc", "auth-fail", "modlist",    "special"};

/// Calls `decode` with `whole` cut before each byte, then with each byte damaged. It may end with a value or
/// with an error that says what the peer did; nothing else, and not in much memory.
void damage_everywhere(const base::Bytes& whole, const std::function<void(const base::Bytes&)>& decode) {
    const auto peak_memory = [] {  // of this process, in KiB
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
    };
    const auto require_outcome = [&](const base::Bytes& damaged) {
        try {
            decode(damaged);
        } catch (const base::Error& error) {
            REQUIRE((error.kind() == base::ErrorKind::peer || error.kind() == base::ErrorKind::network));
            REQUIRE(std::string_view{error.what()} != "");
        }
    };
    [[maybe_unused]] const long before = peak_memory();
    base::Bytes damaged = whole;
    for (std::size_t at = 0; at < whole.size(); at += test::kDamageStep) {
        INFO("byte " << at << " of " << whole.size());
        require_outcome({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at)});
        for (unsigned bit = 0; bit < 8; ++bit) {
            if (!all_bits() && bit != at % 8) continue;
            damaged[at] = whole[at] ^ static_cast<std::byte>(1U << bit);
            require_outcome(damaged);
        }
        damaged[at] = ~whole[at];
        require_outcome(damaged);
        damaged[at] = whole[at];
    }
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed
    CHECK(peak_memory() - before < 64 * 1024);
#endif
}

}  // namespace

TEST_CASE("what a server says, cut or damaged at any byte, ends in a clear error or in the files as they are",
          "[wire][captures]") {
    const std::string name = GENERATE(from_range(kSessions));
    INFO(name);
    const nlohmann::json facts = nlohmann::json::parse(base::as_text(capture(name + ".json")));
    const base::Bytes client = capture(name + ".c2s.bin");
    const base::Bytes server = capture(name + ".s2c.bin");
    std::optional<std::multiset<std::string>> served;  // unless it has options that we do not use
    try {
        const Session session{facts, client, server};
        if (session.server.accepted) served = Replay{session}.tree.contents;
    } catch (const base::Error&) {
        CHECK((name == "plain" || name.starts_with("special")));
    }
    damage_everywhere(server, [&](const base::Bytes& damaged) {
        const Session session{facts, client, damaged};
        if (!session.server.accepted) return;
        const Replay replay{session};
        // What a checksum vouches for is what was served.
        const auto& got = replay.tree.contents;
        if (served && replay.same_checksums)
            REQUIRE(std::includes(served->begin(), served->end(), got.begin(), got.end()));
    });
}

TEST_CASE("what a client says, cut or damaged at any byte, ends in a clear error or in requests",
          "[wire][captures]") {
    const std::string name = GENERATE(from_range(kSessions));
    INFO(name);
    const nlohmann::json facts = nlohmann::json::parse(base::as_text(capture(name + ".json")));
    const base::Bytes server = capture(name + ".s2c.bin");
    damage_everywhere(capture(name + ".c2s.bin"), [&](const base::Bytes& damaged) {
        const Session session{facts, damaged, server};
        if (session.server.accepted) Requests{session};
    });
}
