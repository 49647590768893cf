#include "ft/fetch/attempts.h"

#include <catch2/catch.hpp>
#include <thread>

#include "fetch/metered.h"
#include "support/memory_machine.h"

using namespace ft;

namespace {

base::Error lost() { return {base::ErrorKind::network, "old: connection lost"}; }

/// Attempts on a clock that obeys, and how long each pause was.
struct Scripted {
    explicit Scripted(std::chrono::seconds retry_for) : attempts{machine.clock(), console, retry_for} {}

    /// Seconds until the next try; nothing: it gave up.
    std::optional<double> pause(fetch::Attempts::Outage& of, const base::Error& error = lost()) {
        const auto begin = machine.clock().now();
        try {
            attempts.pause(of, error, cancellation);
        } catch (const base::Error& given) {
            last = given;
            return std::nullopt;
        }
        return std::chrono::duration<double>(machine.clock().now() - begin).count();
    }
    std::string said() const { return machine.out + machine.err; }
    void pass(std::chrono::milliseconds time) { machine.clock().sleep(time, cancellation); }

    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    base::Cancellation cancellation;
    fetch::Attempts attempts;
    fetch::Attempts::Outage outage;
    std::optional<base::Error> last;
};

}  // namespace

TEST_CASE("pauses grow to 30 s, and the last try is when the time is over", "[fetch]") {
    Scripted run{std::chrono::seconds{120}};
    std::vector<double> pauses;
    while (const auto pause = run.pause(run.outage)) pauses.push_back(*pause);
    CHECK(pauses == std::vector<double>{1, 2, 4, 8, 16, 30, 30, 29});
    REQUIRE(run.last);
    CHECK(run.last->kind() == base::ErrorKind::network);
    CHECK(run.last->what() ==
          std::string{"old: connection lost; the source was not to be reached again for 2 min 00 s"});
    CHECK(run.attempts.losses() == 1);
    CHECK(run.said().find("old: connection lost; trying again in 4.0 s, for 1 min 57 s at most") !=
          std::string::npos);
}

TEST_CASE("the time that tries take counts", "[fetch]") {
    Scripted run{std::chrono::seconds{60}};
    CHECK(run.pause(run.outage) == 1.0);
    run.pass(std::chrono::seconds{20});
    CHECK(run.pause(run.outage) == 2.0);
    run.pass(std::chrono::seconds{36});
    CHECK(run.pause(run.outage) == 1.0);
    CHECK(run.pause(run.outage) == std::nullopt);
}

TEST_CASE("time and pauses begin anew when something was fetched again, for each connection", "[fetch]") {
    Scripted run{std::chrono::seconds{10}};
    fetch::Attempts::Outage other;
    run.attempts.set_fetched(5);
    CHECK(run.pause(run.outage) == 1.0);
    CHECK(run.pause(other) == 1.0);
    CHECK(run.pause(run.outage) == 2.0);
    run.attempts.set_fetched(5);
    CHECK(run.pause(run.outage) == 4.0);
    run.attempts.set_fetched(6);
    CHECK(run.pause(run.outage) == 1.0);
    CHECK(run.pause(other) == 1.0);
    CHECK(run.attempts.losses() == 4);
    run.pass(std::chrono::seconds{11});
    CHECK(run.pause(run.outage) == std::nullopt);
}

TEST_CASE("time and pauses begin anew after a connection over which something came for 30 s", "[fetch]") {
    Scripted run{std::chrono::seconds{100}};
    const auto connect_for = [&](int seconds, bool heard) {
        run.attempts.connected(run.outage);
        run.attempts.heard(run.outage);
        run.pass(std::chrono::seconds{seconds});
        if (heard) run.attempts.heard(run.outage);
    };
    connect_for(31, true);
    CHECK(run.pause(run.outage) == 1.0);
    connect_for(30, true);
    CHECK(run.pause(run.outage) == 2.0);
    connect_for(31, true);
    CHECK(run.pause(run.outage) == 1.0);
    connect_for(31, false);  // it stood, and was silent
    CHECK(run.pause(run.outage) == 2.0);
    connect_for(65, false);
    CHECK(run.pause(run.outage) == 1.0);  // what is left
    connect_for(1, false);
    CHECK(run.pause(run.outage) == std::nullopt);
    CHECK(run.attempts.losses() == 2);
}

TEST_CASE("a source that only lives ends no outage while something is pulled", "[fetch]") {
    Scripted run{std::chrono::seconds{100}};
    const auto lose_after_a_minute = [&] {
        run.attempts.connected(run.outage);
        run.pass(std::chrono::minutes{1});
        run.attempts.heard(run.outage);
        return run.pause(run.outage);
    };
    {
        const fetch::Attempts::Pulling pulling{run.attempts};
        run.attempts.set_fetched(7);
        CHECK(lose_after_a_minute() == 1.0);
        CHECK(lose_after_a_minute() == 2.0);
        run.attempts.set_fetched(8);
        CHECK(lose_after_a_minute() == 1.0);
        CHECK(lose_after_a_minute() == 2.0);
        run.attempts.set_fetched(6);
        CHECK(lose_after_a_minute() == std::nullopt);
    }
    CHECK(lose_after_a_minute() == 1.0);
    CHECK(lose_after_a_minute() == 1.0);
}

TEST_CASE("a pull has come further when an attempt comes further than all before it", "[fetch]") {
    fetch::Reach reach;
    reach.listed(100);
    CHECK(reach.sum() == 100);
    reach.listed(99);
    reach.staged(5);
    CHECK(reach.sum() == 105);
    reach.listed(101);
    reach.staged(3);
    CHECK(reach.sum() == 106);
}

TEST_CASE("an answer is no loss, and nothing is tried again when that is not wanted", "[fetch]") {
    Scripted run{std::chrono::seconds{60}};
    using base::ErrorKind;
    for (const auto kind : {ErrorKind::peer, ErrorKind::stranger, ErrorKind::corrupt, ErrorKind::no_space,
                            ErrorKind::io, ErrorKind::unfit, ErrorKind::cancelled}) {
        CHECK(run.pause(run.outage, {kind, "it says no"}) == std::nullopt);
        REQUIRE(run.last);
        CHECK(run.last->kind() == kind);
        CHECK(run.last->what() == std::string{"it says no"});
    }
    Scripted never{std::chrono::seconds{0}};
    CHECK(never.pause(never.outage) == std::nullopt);
    CHECK(never.last->what() == std::string{"old: connection lost"});
    CHECK(never.attempts.losses() == 0);
    CHECK(never.said() == "");
}

TEST_CASE("who is interrupted does not try again", "[fetch]") {
    Scripted run{std::chrono::seconds{60}};
    run.cancellation.request("the test");
    CHECK(run.pause(run.outage) == std::nullopt);
    CHECK(run.last->kind() == base::ErrorKind::cancelled);
    CHECK(run.said() == "");
}

TEST_CASE("other connections end with the source, and wait for it", "[fetch]") {
    fetch::Presence presence;
    base::Cancellation run;
    const auto there = presence.wait(run);
    CHECK_FALSE(there->requested());
    CHECK(presence.wait(run) == there);
    presence.back();
    CHECK(presence.wait(run) == there);
    presence.lost();
    CHECK(there->requested());
    presence.lost();

    std::shared_ptr<base::Cancellation> next;
    std::thread waiting{[&] { next = presence.wait(run); }};
    presence.back();
    waiting.join();
    REQUIRE(next);
    CHECK_FALSE(next->requested());
    CHECK(there->requested());

    presence.lost();
    std::string interrupted;
    std::thread interrupting{[&] {
        try {
            presence.wait(run);
        } catch (const base::Error& error) {
            interrupted = error.what();
        }
    }};
    run.request("the test");
    interrupting.join();
    CHECK(interrupted == "interrupted by the test");
}
