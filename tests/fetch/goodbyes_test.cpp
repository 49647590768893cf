#include "fetch/goodbyes.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "ft/base/error.h"

using namespace ft;

namespace {

using namespace std::chrono_literals;

/// What is known of a connection to the end.
struct Fate {
    bool endless = false;     ///< the source goes on and on
    std::promise<void> said;  ///< the source has said its last words
    std::atomic<int> reads{0};
    std::atomic<bool> shut_down{false};
    std::atomic<bool> destroyed{false};
};

/// A connection whose source says something, and then waits.
class Late : public transport::Connection {
public:
    explicit Late(Fate& fate) : fate_{fate} {}
    ~Late() override { fate_.destroyed = true; }
    transport::Purpose purpose() const override { return transport::Purpose::rsync; }
    std::string peer() const override { return "old"; }
    std::uint64_t bytes_received() const override { return 0; }
    std::uint64_t bytes_sent() const override { return 0; }
    bool wait_for_peer() override { return false; }
    void finish_writing() override {}
    std::size_t read_some(std::span<std::byte> into) override {
        ++fate_.reads;
        if (fate_.endless) return into.size();
        if (fate_.reads == 1) return 1;
        fate_.said.get_future().wait();
        if (fate_.shut_down) throw base::Error{base::ErrorKind::network, "shut down"};
        return 0;
    }
    void write(std::span<const std::byte>) override {}
    void flush() override {}
    void shut_down() noexcept override {
        if (!fate_.shut_down.exchange(true)) fate_.said.set_value();
    }

private:
    Fate& fate_;
};

}  // namespace

TEST_CASE("goodbyes are heard to their end, and waited for", "[fetch]") {
    Fate one;
    Fate other;
    {
        fetch::Goodbyes goodbyes;
        for (Fate* fate : {&one, &other}) goodbyes.hear(std::make_unique<Late>(*fate));
        for (Fate* fate : {&one, &other}) fate->said.set_value();
        goodbyes.wait(1h);
        for (const Fate* fate : {&one, &other}) CHECK(fate->reads == 2);
    }
    for (const Fate* fate : {&one, &other}) {
        CHECK_FALSE(fate->shut_down);
        CHECK(fate->destroyed);
    }
}

TEST_CASE("a goodbye that does not come ends with the run", "[fetch]") {
    Fate fate;
    {
        fetch::Goodbyes goodbyes;
        goodbyes.wait(1h);  // there is none yet
        goodbyes.hear(std::make_unique<Late>(fate));
        goodbyes.wait(1ms);
        CHECK_FALSE(fate.shut_down);
    }
    CHECK(fate.shut_down);
    CHECK(fate.destroyed);
}

TEST_CASE("a goodbye without an end is not heard for ever", "[fetch]") {
    Fate fate;
    fate.endless = true;
    fetch::Goodbyes goodbyes;
    goodbyes.hear(std::make_unique<Late>(fate));
    goodbyes.wait(1h);
    CHECK(fate.reads < 1000);
}
