#include "fetch/transfer_policy.h"

#include <catch2/catch.hpp>

#include <thread>

#include "fetch/watched_stream.h"
#include "ft/base/error.h"
#include "support/memory_machine.h"
#include "support/streams.h"

using namespace ft;
using namespace std::chrono_literals;
using fetch::Compress;
using fetch::TransferPolicy;

namespace {

constexpr std::uint64_t kMega = 1'000'000;
/// A line of 100 Mbit/s that is never idle, with a minute to go.
constexpr TransferPolicy::Use kSlow{
    .lasted = 4s, .waited = 3900ms, .received = 50 * kMega, .left = 750 * kMega};

}  // namespace

TEST_CASE("where the link is slow content is compressed, and stays so", "[fetch]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    TransferPolicy policy{machine.clock(), Compress::automatic, 0};
    CHECK(policy.compressions().empty());
    CHECK(policy.turns(kSlow));
    CHECK(policy.compressions() == std::vector{wire::Compression::zstd});
}

TEST_CASE("a link stays as it is when it is fast, nearly done, not what limits, or not known yet",
          "[fetch]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    TransferPolicy policy{machine.clock(), Compress::automatic, 0};
    const auto [what, use] = GENERATE(table<std::string, TransferPolicy::Use>(
        {{"fast", {.lasted = 4s, .waited = 3900ms, .received = 500 * kMega, .left = 100'000 * kMega}},
         {"nearly done", {.lasted = 4s, .waited = 3900ms, .received = 50 * kMega, .left = 100 * kMega}},
         {"disk", {.lasted = 4s, .waited = 2s, .received = 50 * kMega, .left = 750 * kMega}},
         {"delta",
          {.lasted = 4s,
           .waited = 3900ms,
           .received = 50 * kMega,
           .matched = 60 * kMega,
           .left = 7500 * kMega}},
         {"shared",
          {.lasted = 4s,
           .waited = 3900ms,
           .received = 50 * kMega,
           .by_others = 400 * kMega,
           .left = 750 * kMega}},
         {"new", {.lasted = 2s, .waited = 2s, .received = 25 * kMega, .left = 750 * kMega}}}));
    INFO(what);
    CHECK_FALSE(policy.turns(use));
    CHECK_FALSE(policy.is_compressed());
}

TEST_CASE("a link does as it was told", "[fetch]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    TransferPolicy compressed{machine.clock(), Compress::zstd, 0};
    CHECK(compressed.is_compressed());
    CHECK_FALSE(compressed.turns(kSlow));
    TransferPolicy plain{machine.clock(), Compress::none, 0};
    CHECK_FALSE(plain.turns(kSlow));
    CHECK_FALSE(plain.is_compressed());
}

TEST_CASE("who waits for the rate is free as soon as the connection is shut down", "[fetch]") {
    const auto machine = os::make_machine();
    TransferPolicy policy{machine->clock(), Compress::none, 1};  // half an hour for what comes
    auto [one, other] = test::make_pipe();
    base::Progress progress;
    base::Cancellation cancellation;
    fetch::WatchedStream watched{*one, policy, progress, cancellation};
    other->write(base::as_bytes(std::string(2000, 'x')));
    other->flush();
    std::thread stopping{[&] { watched.shut_down(); }};
    base::Bytes into(2000);
    try {
        watched.read_some(into);  // shut down before anything came: an end
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::network);
    }
    stopping.join();
    CHECK_FALSE(cancellation.requested());
}
