#include "fetch/connections_ahead.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <new>
#include <optional>

#include "ft/base/error.h"

using namespace ft;

namespace {

using namespace std::chrono_literals;

/// A connection that nobody uses.
class Unused : public transport::Connection {
public:
    explicit Unused(std::atomic<int>& ended) : ended_{ended} {}
    transport::Purpose purpose() const override { return transport::Purpose::rsync; }
    std::string peer() const override { return "old"; }
    std::uint64_t bytes_received() const override { return 0; }
    std::uint64_t bytes_sent() const override { return 0; }
    bool wait_for_peer() override { return false; }
    void finish_writing() override { ++ended_; }
    std::size_t read_some(std::span<std::byte>) override { return 0; }
    void write(std::span<const std::byte>) override {}
    void flush() override {}
    void shut_down() noexcept override {}

private:
    std::atomic<int>& ended_;
};

/// A clock on which time passes when the test says so.
class HeldClock : public os::Clock {
public:
    std::chrono::steady_clock::time_point now() const override { return {}; }
    std::int64_t wall_seconds() const override { return 0; }
    void sleep(std::chrono::milliseconds time, base::Cancellation& cancellation) override {
        const auto hook = cancellation.on_request([this] { pass(); });
        asked = time;
        passed_.get_future().wait();
        cancellation.check();
    }
    void pass() {
        if (!done_.exchange(true)) passed_.set_value();
    }
    std::atomic<std::chrono::milliseconds> asked{0ms};

private:
    std::atomic<bool> done_{false};
    std::promise<void> passed_;
};

struct Ahead {
    std::unique_ptr<transport::Connection> make() { return std::make_unique<Unused>(ended); }
    bool take() { return connections->take(cancellation) != nullptr; }

    HeldClock clock;
    base::Cancellation cancellation;
    std::atomic<int> ended{0};
    std::optional<fetch::ConnectionsAhead> connections;
};

}  // namespace

TEST_CASE("a connection that memory is short for is none", "[fetch]") {
    Ahead ahead;
    ahead.connections.emplace(
        ahead.clock, 2, [](auto&) -> std::unique_ptr<transport::Connection> { throw std::bad_alloc{}; });
    CHECK_FALSE(ahead.take());
    CHECK_FALSE(ahead.take());
}

TEST_CASE("each connection that was made ahead is taken once, and is the taker's", "[fetch]") {
    Ahead ahead;
    ahead.connections.emplace(ahead.clock, 2, [&](auto&) { return ahead.make(); });
    CHECK(ahead.take());
    CHECK(ahead.take());
    CHECK_FALSE(ahead.take());
    ahead.connections.reset();
    CHECK(ahead.ended == 0);
}

TEST_CASE("a connection that cannot be made ahead is none, without an error", "[fetch]") {
    Ahead ahead;
    ahead.connections.emplace(ahead.clock, 3, [&](auto&) -> std::unique_ptr<transport::Connection> {
        throw base::Error{base::ErrorKind::stranger, "the pairing code does not fit"};
    });
    CHECK_FALSE(ahead.take());
}

TEST_CASE("connections that nobody takes for 20 s are ended in an orderly way", "[fetch]") {
    Ahead ahead;
    ahead.connections.emplace(ahead.clock, 2, [&](auto&) { return ahead.make(); });
    CHECK(ahead.take());
    ahead.clock.pass();
    while (ahead.ended == 0) std::this_thread::yield();
    CHECK(ahead.clock.asked.load() == 20s);
    CHECK_FALSE(ahead.take());
    CHECK(ahead.ended == 1);
}

TEST_CASE("one that stands only after that time is ended too, and not waited for", "[fetch]") {
    std::promise<void> made;
    Ahead ahead;
    ahead.connections.emplace(ahead.clock, 1, [&](auto&) {
        made.get_future().wait();
        return ahead.make();
    });
    ahead.clock.pass();
    CHECK_FALSE(ahead.take());
    made.set_value();
    ahead.connections.reset();
    CHECK(ahead.ended == 1);
}

TEST_CASE("the end of a run ends unused connections, and those that are being made", "[fetch]") {
    Ahead ahead;
    std::atomic<int> calls{0};
    std::promise<void> waits;
    ahead.connections.emplace(ahead.clock, 2, [&](base::Cancellation& cancellation) {
        if (calls++ == 0) return ahead.make();
        std::promise<void> stopped;
        const auto hook = cancellation.on_request([&] { stopped.set_value(); });
        waits.set_value();
        stopped.get_future().wait();
        cancellation.check();
        return ahead.make();
    });
    waits.get_future().wait();
    ahead.connections.reset();
    CHECK(ahead.ended == 1);
}

TEST_CASE("who waits for a connection that is being made stops when it is interrupted", "[fetch]") {
    std::promise<void> made;  // what is being made waits for it to the end
    Ahead ahead;
    ahead.connections.emplace(ahead.clock, 1, [&](auto&) {
        made.get_future().wait();
        return ahead.make();
    });
    auto taking = std::async(std::launch::async, [&] { return ahead.take(); });
    ahead.cancellation.request("the test");
    CHECK_THROWS_AS(taking.get(), base::Error);
    made.set_value();
}
