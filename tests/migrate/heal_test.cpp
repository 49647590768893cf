#include "migrate/heal.h"

#include <catch2/catch.hpp>

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
