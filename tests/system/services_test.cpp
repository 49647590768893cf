#include "ft/system/services.h"

#include <catch2/catch.hpp>

#include "ft/base/error.h"
#include "support/memory_machine.h"

using namespace ft;
using system::Phase;

namespace {

/// A machine that answers every program with `finished`.
struct Host {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    base::Cancellation cancellation;
    os::Finished finished;

    Host() {
        machine.on_run = [this](const os::Command&) { return finished; };
    }
    bool is_active(const system::ServiceDescription& service) {
        return system::is_active(machine, service, Phase::rehearsal, cancellation);
    }
    std::vector<std::string> findings(const system::ServiceDescription& service) {
        return system::service_findings(machine, {service}, Phase::rehearsal, cancellation);
    }
};

system::ServiceDescription unit() {
    system::ServiceDescription service;
    service.name = service.unit = "app.service";
    return service;
}

system::ServiceDescription own() {
    return {.name = "app",
            .unit = {},
            .stop = {"/bin/app", "stop"},
            .start = {"/bin/app", "start"},
            .active = {"/bin/app", "active"},
            .timeout = std::chrono::seconds{7},
            .off_in_rehearsal = false};
}

}  // namespace

TEST_CASE("a unit is active when it runs or comes back by itself", "[system]") {
    Host host;
    for (const char* state : {"active", "activating", "reloading", "refreshing"}) {
        host.finished = {.status = 3, .output = std::string{state} + "\n"};
        CHECK(host.is_active(unit()));
    }
    for (const char* state : {"inactive", "failed", "deactivating", "unknown"}) {
        host.finished = {.status = 0, .output = std::string{state} + "\n"};
        CHECK_FALSE(host.is_active(unit()));
    }
    CHECK(host.machine.ran.front().arguments ==
          std::vector<std::string>{"systemctl", "is-active", "app.service"});
    host.finished = {.status = 1, .output = ""};  // it does not reach systemd: not the same as inactive
    CHECK_THROWS_AS(host.is_active(unit()), base::Error);
}

TEST_CASE("a service of its own programs is active by status, and asked with phase and timeout", "[system]") {
    Host host;
    CHECK(host.is_active(own()));
    for (const int status : {1, 3, 125}) {
        host.finished.status = status;
        CHECK_FALSE(host.is_active(own()));
    }
    for (const int status : {126, 127, 137}) {
        host.finished.status = status;
        CHECK_THROWS_AS(host.is_active(own()), base::Error);
        CHECK(host.findings(own()).size() == 1);
    }
    CHECK(host.machine.ran.front().arguments == own().active);
    CHECK(host.machine.ran.front().environment.at("FT_PHASE") == "rehearsal");
    CHECK(host.machine.ran.front().time_limit == std::chrono::seconds{7});
}

TEST_CASE("a unit that systemd does not know is found", "[system]") {
    Host host;
    host.finished.output = "loaded\n";
    CHECK(host.findings(unit()).empty());
    host.finished.output = "not-found\n";
    CHECK(host.findings(unit()) ==
          std::vector<std::string>{"service app.service: systemd does not know unit app.service"});
    host.finished.output = "masked\n";
    CHECK(host.findings(unit()) ==
          std::vector<std::string>{"service app.service: systemd says of unit app.service: masked"});
    host.finished.status = 1;
    CHECK(host.findings(unit()).size() == 1);
}

TEST_CASE("a service that is active after its stop has not stopped", "[system]") {
    Host host;
    try {
        system::stop(host.machine, own(), Phase::final_run, host.cancellation);
        FAIL("no error");
    } catch (const base::Error& error) {
        CHECK(error.kind() == base::ErrorKind::command);
        CHECK(std::string{error.what()} == "service app: stop: it is active still");
    }
}

TEST_CASE("units are told the phase, where there are any", "[system]") {
    Host host;
    system::show_phase_to_units(host.machine, {own()}, Phase::rehearsal, host.cancellation);
    CHECK(host.machine.ran.empty());
    system::show_phase_to_units(host.machine, {own(), unit()}, Phase::final_run, host.cancellation);
    REQUIRE(host.machine.ran.size() == 1);
    CHECK(host.machine.ran[0].arguments ==
          std::vector<std::string>{"systemctl", "set-environment", "FT_PHASE=final"});
}
