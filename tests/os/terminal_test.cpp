#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "ft/base/error.h"
#include "os/fd.h"
#include "os/real_terminal.h"

using namespace ft::os;
using ft::base::Cancellation;

namespace {

/// A terminal and whoever sits at it.
struct Desk {
    Fd person;
    Fd terminal;

    Desk() {
        int ends[2];
        const winsize size{24, 132, 0, 0};
        REQUIRE(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
        person = Fd{ends[0]};
        terminal = Fd{ends[1]};
    }
    RealTerminal as_terminal() const {
        return RealTerminal{terminal.number(), terminal.number(), terminal.number()};
    }
    void type(std::string_view text) const {
        REQUIRE(::write(person.number(), text.data(), text.size()) > 0);
    }
    /// Everything that was shown up to and including `last`.
    std::string shown_until(std::string_view last) const {
        std::string text;
        char c = 0;
        pollfd what{person.number(), POLLIN, 0};
        while (!text.ends_with(last) && ::poll(&what, 1, 10'000) == 1 &&
               ::read(person.number(), &c, 1) == 1) {
            text += c;
        }
        return text;
    }
    bool echoes() const {
        termios now;
        REQUIRE(::tcgetattr(terminal.number(), &now) == 0);
        return (now.c_lflag & ECHO) != 0;
    }
};

}  // namespace

TEST_CASE("a question shows what is typed, a secret one does not", "[os]") {
    const Desk desk;
    RealTerminal terminal = desk.as_terminal();
    Cancellation never;
    std::optional<std::string> answer;
    std::thread person{[&] {
        CHECK(desk.shown_until("Code: ") == "Code: ");
        desk.type("secret\n");
    }};
    answer = terminal.ask("Code: ", true, never);
    person.join();
    CHECK(answer == "secret");
    CHECK(desk.echoes());
    terminal.write_out("|");
    CHECK(desk.shown_until("|") == "\r\n|");

    desk.type("yes\n");
    CHECK(terminal.ask("Sure? ", false, never) == "yes");
    CHECK_THAT(desk.shown_until("yes\r\n"), Catch::EndsWith("yes\r\n"));
}

TEST_CASE("the end of input is no answer", "[os]") {
    const Desk desk;
    RealTerminal terminal = desk.as_terminal();
    Cancellation never;
    desk.type("\x04");
    CHECK(terminal.ask("? ", false, never) == std::nullopt);
}

TEST_CASE("a request ends a question and brings the echo back", "[os]") {
    const Desk desk;
    RealTerminal terminal = desk.as_terminal();
    Cancellation cancellation;
    std::thread person{[&] {
        desk.shown_until("Code: ");
        CHECK_FALSE(desk.echoes());
        cancellation.request("Ctrl-C");
    }};
    CHECK_THROWS_WITH(terminal.ask("Code: ", true, cancellation), "interrupted by Ctrl-C");
    person.join();
    CHECK(desk.echoes());
}

TEST_CASE("a terminal knows its width and that it can be asked, a pipe neither", "[os]") {
    const Desk desk;
    const RealTerminal terminal = desk.as_terminal();
    CHECK(terminal.columns() == 132);
    CHECK(terminal.can_ask());
    CHECK(terminal.out_is_terminal());
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const Fd in{ends[0]};
    const Fd out{ends[1]};
    const RealTerminal piped{in.number(), out.number(), out.number()};
    CHECK(piped.columns() == 80);
    CHECK_FALSE(piped.can_ask());
    CHECK_FALSE(piped.out_is_terminal());
}

TEST_CASE("each question takes one line of a pipe", "[os]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const Fd in{ends[0]};
    Fd out{ends[1]};
    const Fd nowhere{::open("/dev/null", O_WRONLY)};
    REQUIRE(::write(out.number(), "one\ntwo", 7) == 7);
    out = Fd{};
    RealTerminal terminal{in.number(), nowhere.number(), nowhere.number()};
    Cancellation never;
    CHECK(terminal.ask("", true, never) == "one");
    CHECK(terminal.ask("", true, never) == "two");
    CHECK(terminal.ask("", true, never) == std::nullopt);
}

TEST_CASE("writing to a terminal that went away changes nothing", "[os]") {
    Desk desk;
    RealTerminal terminal = desk.as_terminal();
    desk.person = Fd{};
    CHECK_NOTHROW(terminal.write_out("lost"));
    CHECK_NOTHROW(terminal.write_error("lost"));
    Cancellation never;
    CHECK(terminal.ask("? ", true, never) == std::nullopt);
}
