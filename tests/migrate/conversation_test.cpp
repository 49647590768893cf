#include "migrate/conversation.h"

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

/// A source that is ready at once and says what the test has it say when it is asked to stop production.
class ScriptedSource {
public:
    using Answer = std::function<void(control::Channel&)>;

    explicit ScriptedSource(Answer when_asked, Answer when_ready = {}) {
        serving_ =
            std::thread{[this, when_asked = std::move(when_asked), when_ready = std::move(when_ready)] {
                const auto handle = [&](std::unique_ptr<transport::Connection> connection) {
                    const auto hook = stop_.on_request([&] { connection->shut_down(); });
                    control::Channel channel{*connection};
                    while (const auto message = channel.receive()) {
                        if (const auto* begin = std::get_if<control::Begin>(&*message)) {
                            was_final = begin->final_run;
                            channel.send(ready(true));
                            if (when_ready) when_ready(channel);
                        } else if (std::holds_alternative<control::StopTraffic>(*message)) {
                            if (when_asked) when_asked(channel);
                        }
                    }
                    connection->finish_writing();
                };
                listener_.run(
                    handle, [](const auto&, const auto&) {}, stop_);
            }};
    }
    ~ScriptedSource() {
        stop_.request("the end of the test");
        serving_.join();
    }
    ScriptedSource(const ScriptedSource&) = delete;
    ScriptedSource& operator=(const ScriptedSource&) = delete;

    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    const transport::PairingCode code =
        transport::PairingCode::generate([this](std::span<std::byte> into) { machine.fill_random(into); });
    std::atomic<bool> was_final{false};

    migrate::Source source() { return {machine, "127.0.0.1", listener_.port(), code, {}}; }

private:
    base::Cancellation stop_;
    transport::Listener listener_{machine.network(), "127.0.0.1", 0, code, false, {}};
    std::thread serving_;
};

/// What came of asking: the second manifest, or the error that ended the run.
struct Asked {
    explicit Asked(ScriptedSource& scripted, const std::function<void(base::Cancellation&)>& meanwhile = {}) {
        base::Cancellation outer;
        base::TaskGroup tasks{outer};
        const migrate::Source source = scripted.source();
        migrate::Conversation conversation{source, "r", true, {}, tasks.cancellation()};
        ui::Console console{scripted.machine, false};
        REQUIRE(conversation.wait_until_ready(console, tasks.cancellation()).live);
        CHECK_FALSE(conversation.stopped_since());
        tasks.start("the source", [&] { conversation.listen(); });
        if (meanwhile) meanwhile(tasks.cancellation());
        try {
            manifest = conversation.stop_traffic(console, tasks.cancellation());
        } catch (const base::Error& error) {
            failed = error.what();
        }
        CHECK(conversation.stopped_since());
        conversation.finish(control::Result{"r", base::Outcome::unchanged, "done"});
        try {
            tasks.wait();
        } catch (const base::Error& error) {
            reason = error.what();
        }
    }

    std::optional<system::Manifest> manifest;
    std::string failed;
    std::string reason;  // why listening ended
};

}  // namespace

TEST_CASE("a destination asks for the stop and gets the manifest of a source that has stopped", "[migrate]") {
    ScriptedSource source{[](control::Channel& channel) {
        channel.send(control::BackupProgress{"app", 5, 10});
        channel.send(ready(false));
    }};
    const Asked asked{source};
    CHECK(source.was_final);
    CHECK(asked.failed == "");
    CHECK(asked.reason == "");
    REQUIRE(asked.manifest);
    CHECK_FALSE(asked.manifest->live);
}

TEST_CASE("a source that is asked to stop production and does not ends the run", "[migrate]") {
    SECTION("production goes on") {
        ScriptedSource source{[](control::Channel& channel) { channel.send(ready(true)); }};
        CHECK(Asked{source}.failed == "the source was asked to stop production, which goes on");
    }
    SECTION("it fails") {
        ScriptedSource source{[](control::Channel& channel) {
            channel.send(control::Failure{"a service does not stop", false});
        }};
        const Asked asked{source};
        CHECK(asked.failed.starts_with("interrupted by the failure of"));
        CHECK(asked.reason == "the source ended the run: a service does not stop");
    }
    SECTION("it is ready before it was asked") {
        ScriptedSource source{{}, [](control::Channel& channel) { channel.send(ready(false)); }};
        std::promise<void> refused;
        const Asked asked{source, [&](base::Cancellation& run) {
                              const auto hook = run.on_request([&] { refused.set_value(); });
                              refused.get_future().wait();
                          }};
        CHECK(asked.reason == "the source has a backup ready that nobody asked for");
    }
}

TEST_CASE("who is interrupted does not wait for the source to stop production", "[migrate]") {
    ScriptedSource source{[](control::Channel&) {}};
    std::thread interrupting;
    const Asked asked{source, [&](base::Cancellation& run) {
                          interrupting = std::thread{[&run] { run.request("the test"); }};
                      }};
    interrupting.join();
    CHECK(asked.failed == "interrupted by the test");
}
