#include "support/faults.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>

#include "ft/base/bytes.h"
#include "ft/base/error.h"
#include "support/error_of.h"
#include "support/memory_machine.h"

namespace ft::test {
namespace {

Fault parse(const std::string& text) {
    MemoryDisk disk;
    MemoryMachine machine{disk};
    machine.variables["FT_FAULT"] = text;
    return read_fault(machine);
}

TEST_CASE("faults are read from the environment and nothing else is understood", "[support]") {
    CHECK(parse("kill-before:7").kind == Fault::Kind::kill_before);
    CHECK(parse("kill-before:7").step == 7);
    CHECK(parse("kill-after:12").kind == Fault::Kind::kill_after);
    CHECK(parse("stop-before:12").kind == Fault::Kind::stop_before);
    CHECK(parse("errno:ENOSPC:3").code == ENOSPC);
    CHECK(parse("errno:ENOSPC:3").step == 3);
    CHECK_FALSE(parse("errno:ENOSPC:3").for_ever);
    CHECK(parse("errno:ENOSPC:3+").for_ever);
    for (const char* wrong : {"", "kill", "kill-before:", "kill-before:0", "kill-after:3+", "errno:5",
                              "errno::1", "errno:EIO:1x", "errno:EWHAT:1"}) {
        INFO(wrong);
        CHECK_THROWS_AS(parse(wrong), base::Error);
    }
}

TEST_CASE("the step that was named fails, once or for ever", "[support]") {
    MemoryDisk disk;
    MemoryMachine real{disk};
    const bool for_ever = GENERATE(false, true);
    FaultyMachine machine{real, {Fault::Kind::fail, 3, EIO, for_ever, ""}};
    const auto root = machine.open_root("/");
    root->create_directory("d");
    const auto below = root->open_directory("d");
    const auto file = below->create_file("f");
    CHECK(error_of([&] { file->write_at(0, base::as_bytes("x")); }) ==
          "/d/f: cannot write: Input/output error");
    CHECK(error_of([&] { below->rename("f", *root, "g"); }) ==
          (for_ever ? "/d/f: cannot rename: Input/output error" : "no error"));
    CHECK(disk.open("/")->status(for_ever ? "d/f" : "g")->size == 0);
    CHECK(machine.steps() == 4);
}

TEST_CASE("steps are counted after the text only", "[support]") {
    MemoryDisk disk;
    MemoryMachine real{disk};
    FaultyMachine machine{real, {Fault::Kind::fail, 1, EIO, false, "COMMIT"}};
    const auto root = machine.open_root("/");
    const auto journal = root->create_file("journal");
    journal->write_at(0, base::as_bytes("plan"));
    journal->sync();
    CHECK(machine.steps() == 0);
    journal->write_at(4, base::as_bytes("12 {\"COMMIT\"}"));
    CHECK(machine.steps() == 0);
    CHECK_THROWS_AS(journal->sync(), base::Error);
    CHECK(machine.steps() == 1);
}

TEST_CASE("syncs can be left out", "[support]") {
    MemoryDisk disk;
    MemoryMachine real{disk};
    const bool no_syncs = GENERATE(false, true);
    Fault fault;
    fault.no_syncs = no_syncs;
    FaultyMachine machine{real, fault};
    const auto root = machine.open_root("/");
    root->create_directory("d");
    root->sync_file_system();
    disk.lose_power();
    disk.restart(Seed{0});
    CHECK(disk.open("/")->status("d").has_value() == !no_syncs);
    CHECK(machine.steps() == 2);
}

TEST_CASE("a process is killed before or after its step on a real disk", "[support]") {
    const bool before = GENERATE(true, false);
    std::string path = "/tmp/ft-faults-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    const auto real = os::make_machine();
    FaultyMachine machine{*real,
                          {before ? Fault::Kind::kill_before : Fault::Kind::kill_after, 2, 0, false, ""}};
    const pid_t child = ::fork();
    if (child == 0) {
        const auto root = machine.open_root(path);
        root->create_directory("a");
        root->create_directory("b");
        root->create_directory("c");
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    CHECK(machine.steps() == 2);
    const auto root = real->open_root(path);
    CHECK(root->list().size() == (before ? 1 : 2));
    os::remove_all(*root, "a");
    os::remove_all(*root, "b");
    real->remove_root(path);
}

TEST_CASE("programs are started in the directory behind a faulty one", "[support]") {
    MemoryDisk disk;
    MemoryMachine real{disk};
    FaultyMachine machine{real, {}};
    const auto root = machine.open_root("/");
    base::Cancellation never;
    real.on_run = [&](const os::Command& command) {
        CHECK(command.working_directory != root.get());
        CHECK(command.working_directory->path() == "/");
        return os::Finished{};
    };
    os::Command command;
    command.arguments = {"true"};
    command.working_directory = root.get();
    machine.processes().run(command, never);
    CHECK(real.ran.size() == 1);
}

}  // namespace
}  // namespace ft::test
