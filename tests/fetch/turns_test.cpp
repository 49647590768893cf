#include "fetch/turns.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>
#include <vector>

#include "ft/base/error.h"

using namespace ft;
using fetch::Turns;

TEST_CASE("no pull goes on before all have compared, however few work at a time", "[fetch]") {
    constexpr std::size_t kPulls = 7;
    const std::size_t at_once = GENERATE(as<std::size_t>{}, 1, 2, 7);
    Turns turns{at_once, kPulls};
    base::Cancellation never;
    std::atomic<std::size_t> compared{0};
    std::atomic<std::size_t> working{0};
    std::atomic<bool> early{false};
    std::atomic<bool> many{false};
    std::vector<std::thread> pulls;
    for (std::size_t number = 0; number < kPulls; ++number) {
        pulls.emplace_back([&, number] {
            Turns::Turn turn{turns, never};
            if (++working > at_once) many = true;
            ++compared;
            --working;
            turn.compared(
                number, [] {}, never);
            if (++working > at_once) many = true;
            if (compared != kPulls) early = true;
            --working;
        });
    }
    for (std::thread& pull : pulls) pull.join();
    CHECK_FALSE(early);
    CHECK_FALSE(many);
}

TEST_CASE("a pull that is tried again waits for who has not compared, and for nobody else", "[fetch]") {
    Turns turns{1, 2};
    base::Cancellation never;
    base::Cancellation stopped;
    {
        Turns::Turn lost{turns, never};
        stopped.request("the loss of the source");
        CHECK_THROWS_AS(lost.compared(
                            0, [] {}, stopped),
                        base::Error);
    }
    std::atomic<bool> compared{false};
    std::atomic<bool> early{false};
    std::thread again{[&] {
        Turns::Turn turn{turns, never};
        turn.compared(
            0, [] {}, never);
        early = !compared;
    }};
    {
        Turns::Turn other{turns, never};
        compared = true;
        other.compared(
            1, [] {}, never);
    }
    again.join();
    CHECK_FALSE(early);
    Turns::Turn later{turns, never};
    later.compared(
        0, [] {}, never);
}

TEST_CASE("a pull that waits for others shows life, and ends when that cannot be", "[fetch]") {
    Turns turns{2, 2, std::chrono::milliseconds{1}};
    base::Cancellation never;
    std::promise<void> alive;
    int shown = 0;
    std::thread waiting{[&] {
        Turns::Turn turn{turns, never};
        turn.compared(
            0,
            [&] {
                if (++shown == 3) alive.set_value();
            },
            never);
    }};
    alive.get_future().wait();
    {
        Turns::Turn other{turns, never};
        other.compared(
            1, [] {}, never);
    }
    waiting.join();
    CHECK(shown >= 3);

    Turns alone{1, 2, std::chrono::milliseconds{1}};
    {
        Turns::Turn turn{alone, never};
        const auto lost = [] { throw base::Error{base::ErrorKind::network, "connection lost"}; };
        CHECK_THROWS_WITH(turn.compared(0, lost, never), "connection lost");
    }
    const Turns::Turn next{alone, never};  // what it had given back it did not give twice, and not keep
}

TEST_CASE("a cancellation in the moment in which waiters wake ends them all", "[fetch]") {
    for (int round = 0; round < 200; ++round) {
        Turns turns{1, 9};
        base::Cancellation run;
        std::vector<std::thread> pulls;
        for (std::size_t number = 0; number < 8; ++number) {
            pulls.emplace_back([&, number] {
                try {
                    Turns::Turn turn{turns, run};
                    if (number == 3) return run.request("the failure of a pull");
                    turn.compared(
                        number, [] {}, run);
                    FAIL("the ninth has not compared");
                } catch (const base::Error& error) {
                    if (error.kind() != base::ErrorKind::cancelled) throw;
                }
            });
        }
        for (std::thread& pull : pulls) pull.join();
    }
}

TEST_CASE("who waits for a turn can be interrupted, and gives none away", "[fetch]") {
    Turns turns{1, 1};
    base::Cancellation never;
    base::Cancellation stopped;
    {
        const Turns::Turn held{turns, never};
        stopped.request("a test");
        CHECK_THROWS_AS((Turns::Turn{turns, stopped}), base::Error);
    }
    const Turns::Turn next{turns, never};
}
