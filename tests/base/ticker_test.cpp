#include "ft/base/ticker.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>

using namespace ft;

TEST_CASE("a ticker calls again and again until it ends", "[base]") {
    std::atomic<int> calls = 0;
    std::promise<void> often;
    {
        const base::Ticker ticker{std::chrono::milliseconds{1}, [&] {
                                      if (++calls == 3) often.set_value();
                                  }};
        often.get_future().wait();
    }
    const int after = calls;
    CHECK(after >= 3);
    CHECK(calls == after);
}

TEST_CASE("an action that throws is not called again", "[base]") {
    std::atomic<int> calls = 0;
    std::promise<void> called;
    {
        const base::Ticker ticker{std::chrono::milliseconds{1}, [&] {
                                      if (++calls == 1) called.set_value();
                                      throw std::runtime_error{"gone"};
                                  }};
        called.get_future().wait();
    }
    CHECK(calls == 1);
}
