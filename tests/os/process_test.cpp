#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <future>
#include <sstream>
#include <thread>

#include "ft/base/error.h"
#include "os/fd.h"
#include "os/temporary.h"

using namespace ft::os;
using ft::base::Cancellation;
using ft::base::Error;
using ft::base::ErrorKind;
using ft::test::Temporary;

namespace {

Finished run(const Command& command) {
    Cancellation never;
    return make_machine()->processes().run(command, never);
}

Command shell(const std::string& script) { return {.arguments = {"sh", "-c", script}}; }

}  // namespace

TEST_CASE("a program's streams and exit status come back apart", "[os]") {
    const Finished finished = run(shell("echo out; echo err >&2; exit 7"));
    CHECK(finished.status == 7);
    CHECK(finished.output == "out\n");
    CHECK(finished.errors == "err\n");
    CHECK(run(shell("kill -9 $$")).status == 128 + 9);
    CHECK(run({.arguments = {"echo", "a b", "*", "$HOME"}}).output == "a b * $HOME\n");
}

TEST_CASE("a program that is not installed is named", "[os]") {
    CHECK_THROWS_WITH(run({.arguments = {"ft-no-such-program"}}),
                      "ft-no-such-program: not installed (no directory of PATH holds it)");
    CHECK_THROWS_WITH(run({.arguments = {"/nonexistent/program"}}),
                      "/nonexistent/program: cannot start: No such file or directory");
    CHECK_THROWS_AS(run({.arguments = {"/etc/passwd"}}), Error);
}

TEST_CASE("a child sees only the environment that it is given", "[os]") {
    REQUIRE(::setenv("FT_TEST_SECRET", "secret", 1) == 0);
    const Finished finished =
        run({.arguments = {"env"}, .environment = {{"PGUSER", "ft"}, {"HOME", "/home"}}});
    ::unsetenv("FT_TEST_SECRET");
    CHECK(finished.output ==
          "HOME=/home\nLC_ALL=C.UTF-8\nPATH=" + std::string{::getenv("PATH")} + "\nPGUSER=ft\n");
}

TEST_CASE("a child inherits no descriptor, no ignored signal and no input", "[os]") {
    const int leaked = ::open("/etc/passwd", O_RDONLY);  // as a library does that forgets to close on exec
    REQUIRE(leaked > 2);
    const auto machine = make_machine();                                          // ignores PIPE
    CHECK(run({.arguments = {"ls", "/proc/self/fd"}}).output == "0\n1\n2\n3\n");  // 3 is the listing itself
    ::close(leaked);
    CHECK(run({.arguments = {"cat"}}).output.empty());
    const Finished state = run({.arguments = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}});
    CHECK(state.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a child runs as the user that it is given, groups and home included", "[os]") {
    Command command = shell("id -u; id -g; id -G; echo $HOME; grep -E '^(Uid|Gid)' /proc/self/status");
    command.user = "nobody";
    CHECK(run(command).output ==
          "65534\n65534\n65534\n/"
          "nonexistent\nUid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n");
    command.user = "ft-no-such-user";
    CHECK_THROWS_WITH(run(command), "user ft-no-such-user: does not exist on this server");
}

TEST_CASE("a child works in a directory that its user could not reach", "[os]") {
    Temporary at;
    at.root().create_directory("closed");
    at.root().create_directory("closed/open");
    REQUIRE(::chmod(at.path("closed/open").c_str(), 0777) == 0);
    const auto directory = at.root().open_directory("closed/open");
    Command command = shell("echo here > made");
    command.user = "nobody";
    command.working_directory = directory.get();
    CHECK(run(command).status == 0);
    CHECK(at.content("closed/open/made") == "here\n");
    CHECK(run({.arguments = {"pwd"}}).output == "/\n");
}

TEST_CASE("lines of stderr are told one by one, the last one without an end too", "[os]") {
    std::vector<std::string> lines;
    Cancellation never;
    const Finished finished =
        make_machine()->processes().run(shell("printf 'one\\ntw' >&2; printf 'o\\n\\nthree' >&2"), never,
                                        [&](std::string_view line) { lines.emplace_back(line); });
    CHECK(lines == std::vector<std::string>{"one", "two", "", "three"});
    CHECK(finished.errors == "one\ntwo\n\nthree");
}

TEST_CASE("output beyond the limits is read and dropped", "[os]") {
    const Finished finished =
        run(shell("head -c 20000000 /dev/zero; head -c 200000 /dev/zero >&2; echo end"));
    CHECK(finished.status == 0);
    CHECK(finished.output.size() == 16 << 20);
    CHECK(finished.errors.size() == 64 << 10);
}

TEST_CASE("a request ends a program and what it started", "[os]") {
    Cancellation cancellation;
    std::promise<pid_t> started;
    std::thread requester{[&] {
        started.get_future().wait();
        cancellation.request("a test");
    }};
    std::string pids;
    CHECK_THROWS_WITH(
        make_machine()->processes().run(shell("sleep 1000 & echo $$ $! >&2; wait"), cancellation,
                                        [&](std::string_view line) {
                                            pids = line;
                                            started.set_value(1);
                                        }),
        "interrupted by a test");
    requester.join();
    std::istringstream in{pids};
    for (pid_t pid = 0; in >> pid;) {
        const Fd process{::syscall(SYS_pidfd_open, pid, 0)};
        pollfd what{process.number(), POLLIN, 0};
        CHECK((!process.is_open() || ::poll(&what, 1, 60'000) == 1));  // gone, or going
    }
}

TEST_CASE("nothing starts after a request", "[os]") {
    Temporary at;
    Cancellation cancellation;
    cancellation.request("a test");
    CHECK_THROWS_AS(at.machine().processes().run({.arguments = {"touch", at.path("made")}}, cancellation),
                    Error);
    CHECK(at.read().list().empty());
}

TEST_CASE("a program that left another one behind with its streams is still finished", "[os]") {
    const Finished finished = run(shell("setsid sleep 1000 & echo $!"));
    CHECK(finished.status == 0);
    const pid_t left = std::stoi(finished.output);
    CHECK(::kill(left, SIGKILL) == 0);
}

TEST_CASE("an exception out of the line callback ends the program", "[os]") {
    Cancellation never;
    CHECK_THROWS_AS(make_machine()->processes().run(shell("echo x >&2; sleep 1000"), never,
                                                    [](std::string_view) { throw std::runtime_error{"x"}; }),
                    std::runtime_error);
}

TEST_CASE("as_user changes the effective ids of the calling thread only, and takes them back", "[os]") {
    const auto machine = make_machine();
    uid_t inside = 0;
    gid_t group_inside = 0;
    std::vector<gid_t> groups_inside(100);
    uid_t elsewhere = 1;
    machine->processes().as_user("nobody", [&] {
        inside = ::geteuid();
        group_inside = ::getegid();
        groups_inside.resize(static_cast<std::size_t>(::getgroups(100, groups_inside.data())));
        std::thread{[] {}}.join();
    });
    std::promise<void> is_inside;
    std::promise<void> was_seen;
    std::thread other{[&] {
        is_inside.get_future().wait();
        elsewhere = ::geteuid();
        was_seen.set_value();
    }};
    machine->processes().as_user("nobody", [&] {
        is_inside.set_value();
        was_seen.get_future().wait();
    });
    other.join();
    CHECK(inside == 65534);
    CHECK(group_inside == 65534);
    CHECK(groups_inside == std::vector<gid_t>{65534});
    CHECK(elsewhere == 0);
    CHECK(::geteuid() == 0);
    CHECK(::getegid() == 0);
}

TEST_CASE("as_user takes the ids back after an exception, and refuses unknown users", "[os]") {
    const auto machine = make_machine();
    CHECK_THROWS_AS(machine->processes().as_user("nobody", [] { throw std::runtime_error{"x"}; }),
                    std::runtime_error);
    CHECK(::geteuid() == 0);
    bool called = false;
    CHECK_THROWS_AS(machine->processes().as_user("ft-no-such-user", [&] { called = true; }), Error);
    CHECK_FALSE(called);
    machine->processes().as_user("", [&] { called = true; });
    CHECK(called);
}
