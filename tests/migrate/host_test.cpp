#include "migrate/host.h"

#include <catch2/catch.hpp>
#include <future>
#include <optional>
#include <thread>

#include "ft/base/error.h"
#include "support/memory_machine.h"
#include "support/streams.h"

using namespace ft;

namespace {

/// A control channel in memory.
class PipeConnection : public transport::Connection {
public:
    explicit PipeConnection(std::unique_ptr<base::Stream> stream) : stream_{std::move(stream)} {}
    transport::Purpose purpose() const override { return transport::Purpose::control; }
    std::string peer() const override { return "new"; }
    std::uint64_t bytes_received() const override { return 0; }
    std::uint64_t bytes_sent() const override { return 0; }
    bool wait_for_peer() override { return true; }
    void finish_writing() override { stream_->shut_down(); }
    std::size_t read_some(std::span<std::byte> into) override { return stream_->read_some(into); }
    void write(std::span<const std::byte> data) override { stream_->write(data); }
    void flush() override { stream_->flush(); }
    void shut_down() noexcept override { stream_->shut_down(); }

private:
    std::unique_ptr<base::Stream> stream_;
};

/// A machine on which a tree that is opened may have to wait.
class SlowMachine : public test::MemoryMachine {
public:
    using MemoryMachine::MemoryMachine;
    std::unique_ptr<const os::Directory> open_root_to_read(const std::string& path) override {
        if (wait.valid()) wait.get();
        return MemoryMachine::open_root_to_read(path);
    }
    std::future<void> wait;
};

system::Description one_tree() {
    system::Description system;
    system.name = "test system";
    system.trees = {{.name = "data", .path = "/data"}};
    return system;
}

/// A source with one tree and no database.
struct Served {
    explicit Served(bool allow_final) : allow_final_{allow_final} {
        disk.open("/")->create_directory("data");
        disk.open("/")->create_directory("state");
        state = disk.open("/state");
        traffic.emplace(machine, system, *state, console);
        backups.emplace(machine, system, *state);
        base::Cancellation cancellation;
        backups->make({}, cancellation, [](const auto&, auto, auto) {});
        host.emplace(machine, system, *backups, *traffic, allow_final_, std::nullopt, console);
    }

    test::MemoryDisk disk;
    SlowMachine machine{disk};
    const system::Description system = one_tree();
    std::unique_ptr<os::Directory> state;
    std::optional<migrate::Backups> backups;
    ui::Console console{machine, false};
    std::optional<migrate::Traffic> traffic;
    std::optional<migrate::Host> host;

private:
    bool allow_final_;
};

/// The destination's end of one run.
class Talk {
public:
    Talk(Served& source, bool final_run, const std::string& run_id = "r", bool again = false) {
        auto [one, other] = test::make_pipe();
        source_end_.emplace(std::move(one));
        stream_ = std::move(other);
        channel_.emplace(*stream_);
        serving_ = std::thread{[this, &source] { source.host->handle(*source_end_, cancellation_); }};
        control::Begin begin;
        begin.ft_version = FT_VERSION;
        begin.run_id = run_id;
        begin.again = again;
        begin.host_name = "new";
        begin.final_run = final_run;
        channel_->send(begin);
    }
    ~Talk() { leave(); }
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;

    void ask_to_stop() { channel_->send(control::StopTraffic{}); }
    /// Whether production went on, as the source says when it is ready; nothing when it says that it failed.
    std::optional<bool> live() {
        while (const auto message = channel_->receive()) {
            if (const auto* ready = std::get_if<control::Ready>(&*message)) return ready->manifest.live;
            if (const auto* failure = std::get_if<control::Failure>(&*message)) {
                failure_ = failure->message;
                return std::nullopt;
            }
        }
        FAIL("the source left");
        return std::nullopt;
    }
    const std::string& failure() const { return failure_; }
    /// Says how the run ended; returns when the source has done with it.
    void finish() {
        channel_->send(control::Result{"r", base::Outcome::committed, "done"});
        leave();
    }
    /// The connection is lost; returns when the source has noticed.
    void leave() {
        if (!serving_.joinable()) return;
        stream_->shut_down();
        serving_.join();
    }

private:
    base::Cancellation cancellation_;
    std::optional<PipeConnection> source_end_;
    std::unique_ptr<base::Stream> stream_;
    std::optional<control::Channel> channel_;
    std::thread serving_;
    std::string failure_;
};

}  // namespace

TEST_CASE("a final run is refused while production goes on, unless the source allows it", "[migrate]") {
    Served source{false};
    {
        Talk talk{source, true};
        CHECK(talk.live() == std::nullopt);
        CHECK(talk.failure() ==
              "it was not started with --allow-final: start it so, or with --stop-traffic, for a final run");
    }
    CHECK(source.traffic->live());
    base::Cancellation cancellation;
    source.traffic->stop(source.console, cancellation);
    Talk talk{source, true, "next"};
    CHECK(talk.live() == std::optional{false});
}

TEST_CASE("production is stopped once it is asked for, and stays so for later runs", "[migrate]") {
    Served source{true};
    {
        Talk talk{source, true};
        CHECK(talk.live() == std::optional{true});
        CHECK(source.traffic->live());
        talk.ask_to_stop();
        CHECK(talk.live() == std::optional{false});
        CHECK_FALSE(source.traffic->live());
    }
    CHECK(source.machine.out.find("new: Production is stopped since ") != std::string::npos);
    CHECK(source.machine.out.find("(downtime so far ") != std::string::npos);
    Talk talk{source, GENERATE(false, true), "next"};
    CHECK(talk.live() == std::optional{false});
}

TEST_CASE("a destination that leaves while production is being stopped leaves it stopped, and this is told",
          "[migrate]") {
    Served source{true};
    Talk talk{source, true};
    CHECK(talk.live() == std::optional{true});
    talk.ask_to_stop();
    talk.leave();
    // The next run waits until all of that is done.
    Talk next{source, false, "next"};
    CHECK(next.live() == std::optional{false});
    CHECK(source.machine.out.find("It stays stopped until ft ends here.") != std::string::npos);
}

TEST_CASE("production is not stopped at the wrong moment", "[migrate]") {
    Served source{true};
    const auto refused = [](Talk& talk, const std::string& why) {
        CHECK(talk.live() == std::nullopt);
        CHECK(talk.failure() == "the destination asks to stop production " + why);
    };
    SECTION("in a run that is none") {
        Talk talk{source, false};
        CHECK(talk.live() == std::optional{true});
        talk.ask_to_stop();
        refused(talk, "in a run that did not begin as a final one");
        CHECK(source.traffic->live());
    }
    SECTION("before the first backup is there") {
        std::promise<void> go_on;
        source.machine.wait = go_on.get_future();
        Talk talk{source, true};
        talk.ask_to_stop();
        refused(talk, "before the backup was ready");
        go_on.set_value();
        talk.leave();
        CHECK(source.traffic->live());
    }
    SECTION("twice") {
        Talk talk{source, true};
        CHECK(talk.live() == std::optional{true});
        talk.ask_to_stop();
        CHECK(talk.live() == std::optional{false});
        talk.ask_to_stop();
        refused(talk, "twice");
    }
    SECTION("when it is stopped") {
        base::Cancellation cancellation;
        source.traffic->stop(source.console, cancellation);
        Talk talk{source, true};
        CHECK(talk.live() == std::optional{false});
        talk.ask_to_stop();
        refused(talk, "although it is stopped");
    }
}

TEST_CASE("a run whose channel is lost is kept with its manifest", "[migrate]") {
    Served source{true};
    const auto told = [&](const std::string& text) {
        return source.machine.out.find(text) != std::string::npos;
    };
    {
        Talk talk{source, true};
        CHECK(talk.live() == std::optional{true});
    }
    CHECK(
        told("new: the destination's connection was lost (it left without saying how the run ended); "
             "waiting for it"));
    {
        Talk back{source, true, "r", true};
        CHECK(back.live() == std::optional{true});
        back.ask_to_stop();
        CHECK(back.live() == std::optional{false});
    }
    {
        // The answer may not have arrived: it is told first, and production is not stopped twice.
        Talk back{source, true, "r", true};
        CHECK(back.live() == std::optional{false});
        back.ask_to_stop();
        back.finish();
        CHECK(back.failure() == "");
    }
    CHECK(told("new: run r ended: done"));
    CHECK_FALSE(source.traffic->live());
    Talk late{source, true, "r", true};
    CHECK(late.live() == std::nullopt);
    CHECK(late.failure() ==
          "it does not know this run: it was started again, or another run has begun since");
}

TEST_CASE("a destination that is back takes over from its channel whose loss nobody noticed", "[migrate]") {
    Served source{false};
    Talk talk{source, false};
    CHECK(talk.live() == std::optional{true});
    Talk back{source, false, "r", true};
    CHECK(back.live() == std::optional{true});
    talk.leave();
    Talk other{source, false, "other"};
    CHECK(other.live() == std::nullopt);
    CHECK(other.failure() == "the source serves another destination already");
    CHECK(source.machine.out.find("waiting for it") == std::string::npos);
    back.finish();
    CHECK(source.machine.out.find("new: run r ended: done") != std::string::npos);
    Talk next{source, false, "next"};
    CHECK(next.live() == std::optional{true});
}

TEST_CASE("a destination that was killed and begins anew is not refused for its former self", "[migrate]") {
    Served source{false};
    Talk killed{source, false};
    CHECK(killed.live() == std::optional{true});
    Talk next{source, false, "next"};
    killed.leave();
    CHECK(next.live() == std::optional{true});
}

TEST_CASE("another run takes the place of one whose destination stays away", "[migrate]") {
    Served source{false};
    {
        Talk talk{source, false};
        CHECK(talk.live() == std::optional{true});
    }
    {
        Talk other{source, false, "other"};
        CHECK(other.live() == std::optional{true});
        Talk back{source, false, "r", true};
        CHECK(back.live() == std::nullopt);
        CHECK(back.failure().starts_with("it does not know this run"));
        other.finish();
    }
    CHECK(source.machine.out.find("new: run r ended: its destination did not come back") !=
          std::string::npos);
}

TEST_CASE("a backup goes on while its destination is lost, and is there when it is back", "[migrate]") {
    Served source{false};
    std::promise<void> go_on;
    source.machine.wait = go_on.get_future();
    Talk{source, false}.leave();
    Talk back{source, false, "r", GENERATE(false, true)};
    go_on.set_value();
    CHECK(back.live() == std::optional{true});
}
