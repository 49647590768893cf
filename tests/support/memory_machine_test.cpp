#include "support/memory_machine.h"

#include <array>
#include <catch2/catch.hpp>

#include "support/error_of.h"

namespace ft::test {
namespace {

TEST_CASE("roots are made durable, outermost first, and removed only when empty", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    CHECK(machine.make_root("/var/lib/ft") == std::vector<std::string>{"/var", "/var/lib", "/var/lib/ft"});
    CHECK(machine.make_root("/var/lib/ft").empty());
    disk.lose_power();
    disk.restart(Seed{0});
    CHECK(disk.open("/")->status("var/lib/ft")->attributes.mode == 0755);
    machine.remove_root("/var/lib");
    CHECK(disk.open("/")->status("var/lib/ft").has_value());
    machine.remove_root("/var/lib/ft");
    machine.remove_root("/var/lib/ft");
    CHECK_FALSE(disk.open("/")->status("var/lib/ft").has_value());
}

TEST_CASE("a lock is held by one until it lets go", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    auto held = machine.lock("/");
    CHECK(held != nullptr);
    CHECK(machine.lock("/") == nullptr);
    held.reset();
    CHECK(machine.lock("/") != nullptr);
    CHECK(error_of([&] { machine.lock("/none"); }) == "/none: cannot open: No such file or directory");
}

TEST_CASE("programs are answered by the script and remembered", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    base::Cancellation cancellation;
    os::Command command;
    command.arguments = {"pg_dump", "x"};
    CHECK(error_of([&] { machine.processes().run(command, cancellation); }) == "pg_dump: no such program");
    machine.on_run = [](const os::Command& asked) {
        return os::Finished{.status = 3, .output = asked.arguments[1], .errors = "one\ntwo"};
    };
    std::vector<std::string> lines;
    const auto finished = machine.processes().run(command, cancellation,
                                                  [&](std::string_view line) { lines.emplace_back(line); });
    CHECK(finished.status == 3);
    CHECK(finished.output == "x");
    CHECK(lines == std::vector<std::string>{"one", "two"});
    CHECK(machine.ran.size() == 2);
    cancellation.request("a test");
    CHECK(error_of([&] { machine.processes().run(command, cancellation); }) == "interrupted by a test");
}

TEST_CASE("sleeping moves the clock and nothing else does", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    base::Cancellation cancellation;
    const auto before = machine.clock().now();
    const auto wall = machine.clock().wall_seconds();
    CHECK(machine.clock().now() == before);
    machine.clock().sleep(std::chrono::minutes{2}, cancellation);
    CHECK(machine.clock().now() - before == std::chrono::minutes{2});
    CHECK(machine.clock().wall_seconds() - wall == 120);
}

TEST_CASE("the terminal answers from the list and remembers what it was told", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    base::Cancellation cancellation;
    machine.answers = {"yes"};
    CHECK(machine.terminal().can_ask());
    CHECK(machine.terminal().ask("sure? ", false, cancellation) == "yes");
    CHECK_FALSE(machine.terminal().can_ask());
    CHECK(machine.terminal().ask("really? ", true, cancellation) == std::nullopt);
    machine.terminal().write_out("done\n");
    CHECK(machine.err == "sure? really? ");
    CHECK(machine.out == "done\n");
}

TEST_CASE("accounts and environment come from the tables, random bytes from a seed", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    machine.table.users = {{"root", 0}, {"postgres", 105}};
    machine.variables["FT_CODE"] = "secret";
    const auto accounts = machine.accounts("/");
    CHECK(accounts->user_name(105) == "postgres");
    CHECK(accounts->user_id("root") == 0);
    CHECK(accounts->group_name(0) == std::nullopt);
    CHECK(machine.environment("FT_CODE") == "secret");
    machine.forget_environment("FT_CODE");
    CHECK(machine.environment("FT_CODE") == std::nullopt);
    std::array<std::byte, 16> first;
    std::array<std::byte, 16> second;
    machine.fill_random(first);
    machine.fill_random(second);
    CHECK(first != second);
    MemoryMachine{disk}.fill_random(second);
    CHECK(first == second);
}

TEST_CASE("the network is the loopback of this host", "[support]") {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    base::Cancellation cancellation;
    const auto acceptor = machine.network().listen("127.0.0.1", 0);
    const auto client =
        machine.network().connect("127.0.0.1", acceptor->port(), std::chrono::seconds{30}, cancellation);
    const auto server = acceptor->accept();
    client->write(base::as_bytes("x"));
    client->flush();
    CHECK(server->peek() == std::byte{'x'});
}

}  // namespace
}  // namespace ft::test
