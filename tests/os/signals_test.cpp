#include "ft/os/signals.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <future>

#include "ft/base/error.h"

using namespace ft::os;
using ft::base::Cancellation;

namespace {

/// What the reason is after this process got `signal`.
std::string reason_after(int signal, bool hang_up_stops) {
    Cancellation cancellation;
    const Signals signals{cancellation, hang_up_stops};
    std::promise<void> requested;
    const auto hook = cancellation.on_request([&] { requested.set_value(); });
    ::kill(::getpid(), signal);
    requested.get_future().wait();
    ::kill(::getpid(), signal);  // changes nothing
    try {
        cancellation.check();
    } catch (const ft::base::Error& error) {
        return error.what();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("INT, TERM and HUP become a request that names its reason", "[os]") {
    CHECK(reason_after(SIGINT, false) == "interrupted by Ctrl-C");
    CHECK(reason_after(SIGTERM, false) == "interrupted by the signal TERM");
    CHECK(reason_after(SIGHUP, true) == "interrupted by the end of the terminal session");
}

TEST_CASE("HUP that does not stop and PIPE are ignored", "[os]") {
    Cancellation cancellation;
    const Signals signals{cancellation, false};
    ::kill(::getpid(), SIGHUP);
    ::kill(::getpid(), SIGPIPE);
    CHECK_FALSE(cancellation.requested());
}

TEST_CASE("a signal that comes late neither ends the process nor reaches the next command", "[os]") {
    {
        Cancellation cancellation;
        const Signals signals{cancellation, true};
        for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::kill(::getpid(), each);
    }
    CHECK(reason_after(SIGTERM, true) == "interrupted by the signal TERM");
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::kill(::getpid(), each);
}
