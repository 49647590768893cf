#include "ft/os/signals.h"

#include <pthread.h>
#include <sys/signalfd.h>

#include <csignal>
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
    sigset_t before;
    Fd arrivals;
    Wake end;
    std::thread thread;

    void watch(base::Cancellation& cancellation) const {
        while (true) {
            pollfd what[] = {{arrivals.number(), POLLIN, 0}, {end.number(), POLLIN, 0}};
            wait_for(what, std::nullopt);
            signalfd_siginfo arrived;
            if (what[0].revents != 0 &&
                ::read(arrivals.number(), &arrived, sizeof arrived) == sizeof arrived) {
                cancellation.request(reason_of(arrived.ssi_signo));
            }
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
    ::pthread_sigmask(SIG_BLOCK, &ours, &state_->before);
    state_->thread = std::thread{[this, &cancellation] { state_->watch(cancellation); }};
}

Signals::~Signals() {
    state_->end.set();
    state_->thread.join();
    ::pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

}  // namespace ft::os
