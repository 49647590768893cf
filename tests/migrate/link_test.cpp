#include "migrate/link.h"

#include <catch2/catch.hpp>

#include <thread>

#include "support/memory_machine.h"
#include "support/streams.h"

using namespace ft;
using namespace std::chrono_literals;
using migrate::Compress;
using migrate::Link;

namespace {

constexpr std::uint64_t kMega = 1'000'000;
/// A line of 100 Mbit/s that is never idle, with a minute to go.
constexpr Link::Use kSlow{.lasted = 4s, .waited = 3900ms, .received = 50 * kMega, .left = 750 * kMega};

}  // namespace

TEST_CASE("a slow link turns, and stays so", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    Link link{machine.clock(), Compress::automatic, 0};
    CHECK(link.compressions().empty());
    CHECK(link.turns(kSlow));
    CHECK(link.compressions() == std::vector{wire::Compression::zstd});
}

TEST_CASE("a link stays as it is when it is fast, nearly done, not what limits, or not known yet",
          "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    Link link{machine.clock(), Compress::automatic, 0};
    const auto [what, use] = GENERATE(table<std::string, Link::Use>(
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
    CHECK_FALSE(link.turns(use));
    CHECK_FALSE(link.is_compressed());
}

TEST_CASE("a link does as it was told", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    Link compressed{machine.clock(), Compress::zstd, 0};
    CHECK(compressed.is_compressed());
    CHECK_FALSE(compressed.turns(kSlow));
    Link plain{machine.clock(), Compress::none, 0};
    CHECK_FALSE(plain.turns(kSlow));
    CHECK_FALSE(plain.is_compressed());
}

TEST_CASE("what comes over all connections keeps to the rate", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    base::Cancellation cancellation;
    const auto begin = machine.clock().now();
    const auto took = [&] { return machine.clock().now() - begin; };
    Link free{machine.clock(), Compress::none, 0};
    free.hold_back(1000 * kMega, cancellation);
    CHECK(took() == 0s);
    Link link{machine.clock(), Compress::none, 10 * kMega};
    for (int i = 0; i < 1000; ++i) link.hold_back(50'000, cancellation);
    CHECK(took() >= 4990ms);
    CHECK(took() <= 5100ms);
    // Nothing is saved up while nothing comes.
    machine.clock().sleep(60s, cancellation);
    const auto later = machine.clock().now();
    link.hold_back(10 * kMega, cancellation);
    CHECK(machine.clock().now() - later >= 1s);
    cancellation.request("the admin");
    CHECK_THROWS_AS(link.hold_back(10 * kMega, cancellation), base::Error);
}

TEST_CASE("who waits for the rate is free as soon as the connection is shut down", "[migrate]") {
    const auto machine = os::make_machine();
    Link link{machine->clock(), Compress::none, 1};  // half an hour for what comes
    auto [one, other] = test::make_pipe();
    base::Progress progress;
    base::Cancellation cancellation;
    migrate::WatchedStream watched{*one, link, progress, cancellation};
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
