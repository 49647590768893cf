#include "ft/records/stopped_services.h"

#include <catch2/catch.hpp>
#include <set>

#include "ft/base/error.h"
#include "support/memory_machine.h"

using namespace ft;
using records::Side;
using system::Phase;
using Names = std::vector<std::string>;

namespace {

system::ServiceDescription service(const std::string& name, bool off_in_rehearsal = false) {
    return {.name = name,
            .unit = {},
            .stop = {"stop", name},
            .start = {"start", name},
            .active = {"active", name},
            .timeout = std::chrono::seconds{5},
            .off_in_rehearsal = off_in_rehearsal};
}

/// A machine with services that obey, unless told otherwise.
struct Host {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    std::set<std::string> active{"app", "mailer"};
    std::set<std::string> failing;  // "start app"
    Names calls;
    base::Cancellation cancellation;
    const std::vector<system::ServiceDescription> services{service("app"), service("worker"),
                                                           service("mailer", true)};

    Host() {
        disk.open("/")->create_directory("state");
        disk.open("/")->sync_file_system();
        machine.on_run = [this](const os::Command& command) { return answer(command.arguments); };
    }
    os::Finished answer(const std::vector<std::string>& arguments) {
        const std::string& name = arguments.at(1);
        if (arguments[0] == "active") return {.status = active.count(name) == 1 ? 0 : 3};
        calls.push_back(arguments[0] + " " + name);
        if (failing.count(calls.back()) == 1) return {.status = 1, .output = {}, .errors = "no\n"};
        if (arguments[0] == "stop") active.erase(name);
        if (arguments[0] == "start" && !active.insert(name).second)
            return {.status = 1, .output = {}, .errors = "it runs already\n"};
        return {};
    }
    std::unique_ptr<os::Directory> state() { return disk.open("/state"); }
    void heal() { records::start_what_was_stopped(machine, *state(), console); }
    bool is_written_down() { return state()->status(records::kStoppedServices).has_value(); }
};

std::optional<base::ErrorKind> kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const base::Error& error) {
        return error.kind();
    }
    return std::nullopt;
}

const std::set<std::string> kBefore{"app", "mailer"};

}  // namespace

TEST_CASE("what is active is stopped in order and started in reverse, what is off stays off", "[records]") {
    Host host;
    const auto state = host.state();
    records::StoppedServices stopped{host.machine, *state, host.console};
    stopped.stop(Side::source, "", Phase::final_run, host.services, host.cancellation);
    CHECK(host.active.empty());
    CHECK(stopped.waiting() == Names{"app", "mailer"});
    CHECK(state->status(records::kStoppedServices)->attributes.mode == 0600);
    CHECK(stopped.start_again().empty());
    CHECK(host.calls == Names{"stop app", "stop mailer", "start mailer", "start app"});
    CHECK(host.active == kBefore);
    CHECK_FALSE(host.is_written_down());
}

TEST_CASE("a service that does not stop leaves what comes after it alone", "[records]") {
    Host host;
    host.failing = {"stop app"};
    const auto state = host.state();
    records::StoppedServices stopped{host.machine, *state, host.console};
    CHECK(kind_of([&] {
              stopped.stop(Side::source, "", Phase::final_run, host.services, host.cancellation);
          }) == base::ErrorKind::command);
    CHECK(stopped.start_again().empty());
    CHECK(host.calls == Names{"stop app", "start app"});  // whether it goes on by itself is not known
    CHECK(host.active == kBefore);
}

TEST_CASE("what does not start again is named, kept written down, and tried by the next start", "[records]") {
    Host host;
    host.failing = {"start mailer"};
    const auto state = host.state();
    {
        records::StoppedServices stopped{host.machine, *state, host.console};
        stopped.stop(Side::source, "", Phase::final_run, host.services, host.cancellation);
        CHECK(stopped.start_again() == Names{"service mailer: start: exit status 1: no"});
    }
    CHECK(host.active == std::set<std::string>{"app"});
    CHECK(records::read_stopped(*state)->services.size() == 1);
    host.heal();
    CHECK(host.is_written_down());
    {
        // Not even a run in between forgets it.
        records::StoppedServices again{host.machine, *state, host.console};
        again.stop(Side::source, "", Phase::final_run, host.services, host.cancellation);
        CHECK(again.waiting() == Names{"app", "mailer"});
    }
    host.failing.clear();
    host.heal();
    CHECK(host.active == kBefore);
    CHECK_FALSE(host.is_written_down());
}

TEST_CASE("after a commit every service is wanted, in a rehearsal but those that stay off", "[records]") {
    const auto phase = GENERATE(Phase::rehearsal, Phase::final_run);
    Host host;
    const auto state = host.state();
    records::StoppedServices stopped{host.machine, *state, host.console};
    stopped.stop(Side::destination, "run-1", Phase::rehearsal, host.services, host.cancellation);
    stopped.set_phase(phase);
    const bool killed = GENERATE(false, true);
    if (killed) {
        records::want_services_of(*state, "another-run");
        CHECK_FALSE(records::read_stopped(*state)->committed);
        records::want_services_of(*state, "run-1");
        host.heal();
    } else {
        stopped.commit();
        CHECK(stopped.off_in_rehearsal() == (phase == Phase::rehearsal ? Names{"mailer"} : Names{}));
        CHECK(stopped.start_again().empty());
    }
    std::set<std::string> wanted{"app", "worker"};
    if (phase == Phase::final_run) wanted.insert("mailer");
    CHECK(host.active == wanted);
}

TEST_CASE("a stop that was killed in the middle is finished before the start", "[records]") {
    Host host;
    const auto state = host.state();
    records::StoppedRecord record;
    record.services = {{host.services[0], records::ServiceState::stopping},
                       {host.services[2], records::ServiceState::running}};
    records::write_stopped(*state, record);
    host.heal();
    CHECK(host.calls == Names{"stop app", "start app"});
    CHECK(host.active == kBefore);
}

TEST_CASE("killed at any step, the next start leaves the services as they were", "[records]") {
    for (std::uint64_t step = 1;; ++step) {
        INFO("power lost at file operation " << step);
        Host host;
        const bool finished = host.disk.run_until_power_loss(step, [&] {
            const auto state = host.state();
            records::StoppedServices stopped{host.machine, *state, host.console};
            stopped.stop(Side::source, "", Phase::final_run, host.services, host.cancellation);
            stopped.start_again();
        });
        host.disk.restart(test::Seed{step});
        host.heal();
        CHECK(host.active == kBefore);
        CHECK_FALSE(host.is_written_down());
        if (finished) break;
    }
}

TEST_CASE("no damage of the record is taken for a record", "[records]") {
    records::StoppedRecord record;
    record.side = Side::destination;
    record.run_id = "run-1";
    record.phase = Phase::final_run;
    record.committed = true;
    record.services = {{service("app", true), records::ServiceState::stopping}};
    record.services[0].service.unit = "app.service";
    const std::string text = records::encode(record);
    const auto read = records::decode(text);
    REQUIRE(read);
    CHECK(records::encode(*read) == text);
    for (std::size_t length = 0; length < text.size(); ++length)
        CHECK_FALSE(records::decode(text.substr(0, length)));
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string damaged = text;
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
            CHECK_FALSE(records::decode(damaged));
        }
    }
    CHECK_FALSE(records::decode(text + text));

    Host host;
    const auto state = host.state();
    os::write_whole(*state, records::kStoppedServices, text.substr(1));
    CHECK(kind_of([&] { host.heal(); }) == base::ErrorKind::recovery);
    CHECK(host.calls.empty());
}
