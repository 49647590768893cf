#include "ft/os/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>

#include <csignal>
#include <optional>
#include <thread>

#include "ft/base/error.h"
#include "os/wait.h"

namespace ft::os {
namespace {

const char* reason_of(std::uint32_t signal) {
    switch (signal) {
        case SIGINT:
            return "Ctrl-C";
        case SIGHUP:
            return "the end of the terminal session";
        default:
            return "the signal TERM";
    }
}

}  // namespace

struct Signals::State {
    Fd arrivals;
    Wake end;
    std::thread thread;

    std::optional<std::uint32_t> next() const {
        signalfd_siginfo arrived;
        if (::read(arrivals.number(), &arrived, sizeof arrived) != sizeof arrived) return std::nullopt;
        return arrived.ssi_signo;
    }

    void watch(base::Cancellation& cancellation) const {
        while (true) {
            pollfd what[] = {{arrivals.number(), POLLIN, 0}, {end.number(), POLLIN, 0}};
            wait_for(what, std::nullopt);
            if (const auto signal = next()) cancellation.request(reason_of(*signal));
            if (what[1].revents != 0) return;
        }
    }
};

Signals::Signals(base::Cancellation& cancellation, bool hang_up_stops) : state_{std::make_unique<State>()} {
    ::signal(SIGPIPE, SIG_IGN);
    if (!hang_up_stops) ::signal(SIGHUP, SIG_IGN);
    sigset_t ours;
    ::sigemptyset(&ours);
    ::sigaddset(&ours, SIGINT);
    ::sigaddset(&ours, SIGTERM);
    if (hang_up_stops) ::sigaddset(&ours, SIGHUP);
    state_->arrivals = Fd{::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!state_->arrivals.is_open()) throw base::system_error("watch", "signals", errno);
    ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
    state_->thread = std::thread{[this, &cancellation] { state_->watch(cancellation); }};
}

Signals::~Signals() {
    state_->end.set();
    state_->thread.join();
    while (state_->next()) continue;
}

}  // namespace ft::os
