#include "ft/fetch/conversation.h"

#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <thread>

#include "ft/base/error.h"
#include "ft/base/task_group.h"
#include "support/memory_machine.h"

using namespace ft;

namespace {

control::Ready ready(bool live) {
    system::Manifest manifest;
    manifest.ft_version = FT_VERSION;
    manifest.system_name = "test system";
    manifest.host_name = "old";
    manifest.live = live;
    return {manifest};
}

/// A source that does with each connection, from 1 on, what the test says; a connection that a script leaves
/// is cut.
class ScriptedSource {
public:
    struct Talk {
        int number;
        control::Begin begin;
        control::Channel& channel;
        transport::Connection& connection;

        /// Reads to the end of the connection, answering the wish to stop production.
        void listen(const std::function<void(control::Channel&)>& when_asked = {}) {
            while (const auto message = channel.receive()) {
                if (std::holds_alternative<control::StopTraffic>(*message) && when_asked) when_asked(channel);
            }
            connection.finish_writing();
        }
        void wait_for_stop() {
            while (!std::holds_alternative<control::StopTraffic>(channel.receive().value())) {
            }
        }
    };
    using Script = std::function<void(Talk&)>;

    explicit ScriptedSource(Script script) {
        serving_ = std::thread{[this, script = std::move(script)] {
            const auto handle = [&](std::unique_ptr<transport::Connection> connection) {
                const auto hook = stop_.on_request([&] { connection->shut_down(); });
                control::Channel channel{*connection};
                Talk talk{++connections_, std::get<control::Begin>(channel.receive().value()), channel,
                          *connection};
                script(talk);
            };
            listener_->run(
                handle, [](const auto&, const auto&) {}, stop_);
        }};
    }
    ~ScriptedSource() { end(); }
    ScriptedSource(const ScriptedSource&) = delete;
    ScriptedSource& operator=(const ScriptedSource&) = delete;
    /// Nobody listens any more.
    void end() {
        stop_.request("the end of the test");
        if (serving_.joinable()) serving_.join();
        listener_.reset();
    }

    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    const transport::PairingCode code =
        transport::PairingCode::generate([this](std::span<std::byte> into) { machine.fill_random(into); });

    fetch::Source source() { return {machine, "127.0.0.1", listener_->port(), code, {}}; }
    int connections() const { return connections_; }

private:
    base::Cancellation stop_;
    std::atomic<int> connections_{0};
    std::optional<transport::Listener> listener_{std::in_place, machine.network(),  "127.0.0.1", 0, code,
                                                 false,         transport::Limits{}};
    std::thread serving_;
};

/// A source that is ready at once, and says what the test has it say when it is asked to stop production.
ScriptedSource::Script ready_and(std::function<void(control::Channel&)> when_asked,
                                 std::function<void(control::Channel&)> when_ready = {}) {
    return [=](ScriptedSource::Talk& talk) {
        talk.channel.send(ready(true));
        if (when_ready) when_ready(talk.channel);
        talk.listen(when_asked);
    };
}

/// What came of asking: the second manifest, or the error that ended the run.
struct Asked {
    explicit Asked(ScriptedSource& scripted, const std::function<void(base::Cancellation&)>& meanwhile = {}) {
        base::Cancellation outer;
        base::TaskGroup tasks{outer};
        const fetch::Source source = scripted.source();
        ui::Console console{scripted.machine, false};
        fetch::Attempts attempts{scripted.machine.clock(), console, std::chrono::seconds{600}};
        fetch::Conversation conversation{source, "r", true, {}, attempts, console, tasks.cancellation()};
        tasks.start("the source", [&] { conversation.listen(); });
        try {
            CHECK(conversation.wait_until_ready(tasks.cancellation()).live);
            CHECK_FALSE(conversation.stopped_since());
            if (meanwhile) meanwhile(tasks.cancellation());
            manifest = conversation.stop_traffic(tasks.cancellation());
            CHECK(conversation.stopped_since());
            conversation.presence().wait(tasks.cancellation());
        } catch (const base::Error& error) {
            failed = error.what();
        }
        conversation.finish(control::Result{"r", base::Outcome::unchanged, "done"});
        try {
            tasks.wait();
        } catch (const base::Error& error) {
            reason = error.what();
            kind = error.kind();
        }
        losses = attempts.losses();
    }

    std::optional<system::Manifest> manifest;
    std::string failed;
    std::string reason;  // why listening ended
    std::optional<base::ErrorKind> kind;
    unsigned losses = 0;
};

}  // namespace

TEST_CASE("a destination asks for the stop and gets the manifest of a source that has stopped", "[fetch]") {
    std::atomic<bool> was_final{false};
    ScriptedSource source{[&](ScriptedSource::Talk& talk) {
        was_final = talk.begin.final_run && !talk.begin.again;
        talk.channel.send(ready(true));
        talk.listen([](control::Channel& channel) {
            channel.send(control::BackupProgress{"app", 5, 10});
            channel.send(ready(false));
        });
    }};
    const Asked asked{source};
    CHECK(was_final);
    CHECK(asked.failed == "");
    CHECK(asked.reason == "");
    REQUIRE(asked.manifest);
    CHECK_FALSE(asked.manifest->live);
}

TEST_CASE("only the first of two last words is said", "[fetch]") {
    std::vector<std::string> said;
    ScriptedSource source{[&](ScriptedSource::Talk& talk) {
        while (const auto message = talk.channel.receive()) {
            if (const auto* result = std::get_if<control::Result>(&*message)) said.push_back(result->message);
            if (const auto* failure = std::get_if<control::Failure>(&*message))
                said.push_back(failure->message);
        }
        talk.connection.finish_writing();
    }};
    base::Cancellation outer;
    base::TaskGroup tasks{outer};
    const fetch::Source there = source.source();
    ui::Console console{source.machine, false};
    fetch::Attempts attempts{source.machine.clock(), console, std::chrono::seconds{600}};
    fetch::Conversation conversation{there, "r", false, {}, attempts, console, tasks.cancellation()};
    tasks.start("the source", [&] { conversation.listen(); });
    conversation.finish(control::Result{"r", base::Outcome::committed, "committed"});
    conversation.finish(control::Failure{"what came after it", false});
    tasks.wait();
    source.end();
    CHECK(said == std::vector<std::string>{"committed"});
}

TEST_CASE("a source that is asked to stop production and does not ends the run", "[fetch]") {
    SECTION("production goes on") {
        ScriptedSource source{ready_and([](control::Channel& channel) { channel.send(ready(true)); })};
        CHECK(Asked{source}.failed == "the source was asked to stop production, which goes on");
    }
    SECTION("it fails") {
        ScriptedSource source{ready_and([](control::Channel& channel) {
            channel.send(control::Failure{"a service does not stop", false});
        })};
        const Asked asked{source};
        CHECK(asked.failed.starts_with("interrupted by the failure of"));
        CHECK(asked.reason == "the source ended the run: a service does not stop");
    }
    SECTION("it is ready before it was asked") {
        ScriptedSource source{ready_and({}, [](control::Channel& channel) { channel.send(ready(false)); })};
        std::promise<void> refused;
        const Asked asked{source, [&](base::Cancellation& run) {
                              const auto hook = run.on_request([&] { refused.set_value(); });
                              refused.get_future().wait();
                          }};
        CHECK(asked.reason == "the source has a backup ready that nobody asked for");
    }
}

TEST_CASE("who is interrupted does not wait for the source to stop production", "[fetch]") {
    ScriptedSource source{ready_and([](control::Channel&) {})};
    std::thread interrupting;
    const Asked asked{source, [&](base::Cancellation& run) {
                          interrupting = std::thread{[&run] { run.request("the test"); }};
                      }};
    interrupting.join();
    CHECK(asked.failed == "interrupted by the test");
}

TEST_CASE("a control channel that is lost is made again, and the run goes on", "[fetch]") {
    std::vector<bool> again;
    const auto serve = [&](const ScriptedSource::Script& first, const ScriptedSource::Script& then) {
        ScriptedSource source{[&](ScriptedSource::Talk& talk) {
            again.push_back(talk.begin.again);
            CHECK(talk.begin.run_id == "r");
            talk.number == 1 ? first(talk) : then(talk);
        }};
        const Asked asked{source};
        CHECK(asked.failed == "");
        CHECK(asked.reason == "");
        REQUIRE(asked.manifest);
        CHECK_FALSE(asked.manifest->live);
        CHECK(asked.losses == 1);
        CHECK(source.connections() == 2);
        CHECK(source.machine.out.find("; trying again in 1.0 s, for 10 min 00 s at most") !=
              std::string::npos);
        CHECK(source.machine.out.find("The source is there again.") != std::string::npos);
    };
    const auto stop = [](control::Channel& channel) { channel.send(ready(false)); };
    SECTION("before the source has said anything") {
        serve([](auto&) {}, ready_and(stop));
        CHECK(again == std::vector{false, false});
    }
    SECTION("while the backup is made") {
        serve([](auto& talk) { talk.channel.send(control::BackupProgress{"app", 5, 10}); }, ready_and(stop));
        CHECK(again == std::vector{false, true});
    }
    SECTION("after the wish to stop production, which did not arrive") {
        serve(
            [](auto& talk) {
                talk.channel.send(ready(true));
                talk.wait_for_stop();
            },
            ready_and(stop));
        CHECK(again == std::vector{false, true});
    }
    SECTION("after the wish to stop production, whose answer did not arrive") {
        serve(
            [](auto& talk) {
                talk.channel.send(ready(true));
                talk.wait_for_stop();
            },
            [](auto& talk) {
                talk.channel.send(ready(false));
                talk.listen([](control::Channel&) { FAIL("it was answered already"); });
            });
    }
    SECTION("while production is being stopped") {
        serve(
            [](auto& talk) {
                talk.channel.send(ready(true));
                talk.wait_for_stop();
            },
            [](auto& talk) {
                talk.channel.send(ready(true));
                talk.channel.send(ready(false));
                talk.listen();
            });
    }
}

TEST_CASE("a source that knows the run no more, or is not there any more, ends it", "[fetch]") {
    SECTION("it says so") {
        ScriptedSource source{[](ScriptedSource::Talk& talk) {
            if (talk.number == 1) return talk.channel.send(ready(true));
            talk.channel.send(control::Failure{"it does not know this run", false});
            talk.listen();
        }};
        const Asked asked{source};
        CHECK(asked.reason == "the source ended the run: it does not know this run");
        CHECK(asked.kind == base::ErrorKind::peer);
        CHECK(source.connections() == 2);
    }
    SECTION("nobody listens") {
        std::promise<void> asked_for;
        ScriptedSource source{[&](ScriptedSource::Talk& talk) {
            talk.channel.send(ready(true));
            talk.wait_for_stop();
            asked_for.set_value();
            talk.listen();
        }};
        std::thread ending;
        const Asked asked{source, [&](base::Cancellation&) {
                              ending = std::thread{[&] {
                                  asked_for.get_future().wait();
                                  source.end();
                              }};
                          }};
        ending.join();
        CHECK(asked.kind == base::ErrorKind::network);
        CHECK(asked.reason.find("; the source was not to be reached again for 10 min 00 s") !=
              std::string::npos);
        CHECK(asked.losses == 1);
    }
}
