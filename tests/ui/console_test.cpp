#include "ft/ui/console.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/memory_machine.h"

using namespace ft;

TEST_CASE("without --json text goes to stdout and events nowhere", "[ui]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    console.phase("pull", "Fetching.");
    console.event("ready", {{"port", 873}});
    CHECK(machine.out == "Fetching.\n");
    CHECK(machine.err.empty());
}

TEST_CASE("with --json stdout holds events only, one object a line", "[ui]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, true};
    console.phase("pull", "Fetching.");
    console.warn("a name \\x1b");
    CHECK(machine.err == "Fetching.\nWarning: a name \\x1b\n");
    std::istringstream lines{machine.out};
    std::string line;
    REQUIRE(std::getline(lines, line));
    CHECK(nlohmann::json::parse(line).at("phase") == "pull");
    REQUIRE(std::getline(lines, line));
    CHECK(nlohmann::json::parse(line).at("event") == "warning");
    CHECK(!std::getline(lines, line));
}

TEST_CASE("a failure names cause, details, advice, state and status on stderr", "[ui]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    console.set_log_path("/var/lib/ft/logs/x.log");
    const base::Error error{base::ErrorKind::unfit, "2 things", "Mend them."};
    console.fail(error.with_details({"one", "two"}), "Nothing was changed on this server.", 3);
    CHECK(machine.out.empty());
    CHECK(machine.err ==
          "ft: 2 things\n    - one\n    - two\n    Mend them.\n"
          "    Nothing was changed on this server. Log: /var/lib/ft/logs/x.log (exit status 3)\n");
}

TEST_CASE("progress on a pipe is a line now and then, its events are complete", "[ui]") {
    test::MemoryDisk disk;
    test::MemoryMachine machine{disk};
    ui::Console console{machine, false};
    base::Cancellation cancellation;
    for (int second = 0; second < 25; ++second) {
        console.progress("at " + std::to_string(second), {{"second", second}});
        machine.clock().sleep(std::chrono::seconds{1}, cancellation);
    }
    CHECK(machine.out == "at 0\nat 10\nat 20\n");
}
