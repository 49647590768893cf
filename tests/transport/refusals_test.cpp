#include "transport/refusals.h"

#include <catch2/catch.hpp>

namespace ft::transport {
namespace {

using namespace std::chrono_literals;
using Line = std::optional<std::string>;

TEST_CASE("an address is told once a minute, then with the number of those kept back", "[transport]") {
    Refusals refusals;
    const Refusals::Time start{1h};
    CHECK(refusals.note("a", "noise", start) == Line{"noise"});
    CHECK(refusals.note("a", "noise", start + 1s) == std::nullopt);
    CHECK(refusals.note("a", "wrong code", start + 59s) == std::nullopt);
    CHECK(refusals.note("b", "noise", start + 59s) == Line{"noise"});
    CHECK(refusals.note("a", "noise", start + 60s) == Line{"noise (2 more since the last line)"});
    CHECK(refusals.note("a", "noise", start + 61s) == std::nullopt);
    CHECK(refusals.note("a", "noise", start + 3min) == Line{"noise (1 more since the last line)"});
}

TEST_CASE("a flood from many addresses is told by the first of them and takes no more memory",
          "[transport]") {
    Refusals refusals;
    const Refusals::Time start{1h};
    int told = 0;
    for (int i = 0; i < 5000; ++i)
        told += refusals.note(std::to_string(i), "noise", start).has_value() ? 1 : 0;
    CHECK(told == 1024);
    CHECK(refusals.note("late", "noise", start + 2min) == Line{"noise"});
}

}  // namespace
}  // namespace ft::transport
