#include "migrate/heal.h"

#include <catch2/catch.hpp>

#include "ft/records/last_run.h"
#include "ft/records/stopped_record.h"
#include "support/memory_machine.h"

using namespace ft;

TEST_CASE("who interrupts a command that still finishes what an earlier one left is told so", "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    machine.make_root("/state");
    machine.make_root("/etc");
    ui::Console console{machine, false};
    base::Cancellation cancellation;
    system::Description system;
    system.root = "/";
    const auto state = disk.open("/state");
    CHECK_FALSE(migrate::heal(machine, system, *state, console, cancellation).anything);
    CHECK(machine.out + machine.err == "");
    cancellation.request("a test");
    CHECK_FALSE(migrate::heal(machine, system, *state, console, cancellation).anything);
    CHECK(machine.out + machine.err ==
          "What an earlier command left is finished first; then this one ends.\n");
}

TEST_CASE("the services of a run that changed nothing are wanted from the moment when it is the last one",
          "[migrate]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    for (const char* path : {"/state", "/etc"}) machine.make_root(path);
    ui::Console console{machine, false};
    system::Description system;
    system.root = "/";
    const auto state = disk.open("/state");
    records::LastRun last;
    last.run_id = GENERATE("R", "another");
    last.undoes = GENERATE("the one before", "R");  // or this one: then it is its undo that was killed
    records::prepare_last_run(*state, last);
    records::keep_last_run(*state, last.run_id);
    // Killed here: the record still knows the run as one that may fail.
    records::StoppedRecord record{.side = records::Side::destination, .run_id = "R"};
    record.phase = system::Phase::final_run;
    system::ServiceDescription service;
    service.name = "app";
    record.services.push_back({service, records::ServiceState::off});
    records::write_stopped(*state, record);
    migrate::heal(machine, system, *state, console);
    const bool starts = machine.out.find("starting app") != std::string::npos;
    CHECK(starts == (last.run_id == "R" && last.undoes != "R"));
}
