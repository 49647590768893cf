#include "ft/transport/pace.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "support/memory_machine.h"

using namespace ft;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMega = 1'000'000;

}  // namespace

TEST_CASE("what comes over all connections keeps to the rate", "[transport]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    base::Cancellation cancellation;
    const auto begin = machine.clock().now();
    const auto took = [&] { return machine.clock().now() - begin; };
    transport::Pace free{machine.clock(), 0};
    free.hold_back(1000 * kMega, cancellation);
    CHECK(took() == 0s);
    transport::Pace pace{machine.clock(), 10 * kMega};
    for (int i = 0; i < 1000; ++i) pace.hold_back(50'000, cancellation);
    CHECK(took() >= 4990ms);
    CHECK(took() <= 5100ms);
    // Nothing is saved up while nothing comes.
    machine.clock().sleep(60s, cancellation);
    const auto later = machine.clock().now();
    pace.hold_back(10 * kMega, cancellation);
    CHECK(machine.clock().now() - later >= 1s);
    cancellation.request("the admin");
    CHECK_THROWS_AS(pace.hold_back(10 * kMega, cancellation), base::Error);
}
