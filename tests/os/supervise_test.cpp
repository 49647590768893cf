#include "ft/os/supervise.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "ft/os/signals.h"

using namespace ft::os;

namespace {

/// While it lives, the signals of this process are as they were before.
class SignalsKept {
public:
    SignalsKept() { ::sigprocmask(SIG_SETMASK, nullptr, &before_); }
    ~SignalsKept() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    SignalsKept(const SignalsKept&) = delete;
    SignalsKept& operator=(const SignalsKept&) = delete;

private:
    sigset_t before_{};
};

/// The work of a test: waits for a signal; its status is the number.
int wait_for_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, number);
    siginfo_t arrived;
    return ::sigwaitinfo(&set, &arrived);
}

}  // namespace

TEST_CASE("a worker's status is its supervisor's", "[os]") {
    const SignalsKept kept;
    const WorkerEnd end = supervise([] { return 7; });
    CHECK(end.status == 7);
    CHECK_FALSE(end.signal);
}

TEST_CASE("a worker that is killed leaves its supervisor, and which signal it was", "[os]") {
    const SignalsKept kept;
    const int number = GENERATE(SIGKILL, SIGSEGV);
    const WorkerEnd end = supervise([&] {
        ::signal(number, SIG_DFL);
        ::raise(number);
        return 0;
    });
    CHECK(end.signal == number);
}

TEST_CASE("signals are passed on and do not end the supervisor", "[os]") {
    const SignalsKept kept;
    const int number = GENERATE(SIGINT, SIGTERM, SIGHUP);
    const pid_t supervisor = ::getpid();
    const WorkerEnd end = supervise([&] {
        ::kill(supervisor, number);
        return wait_for_signal();
    });
    CHECK(end.status == number);
    ::raise(number);  // not now, either
    sigset_t pending;
    ::sigpending(&pending);
    CHECK(::sigismember(&pending, number) == 1);
    int taken = 0;
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, number);
    ::sigwait(&set, &taken);
}

TEST_CASE("a worker whose supervisor is killed gets TERM", "[os]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t supervisor = ::fork();
    if (supervisor == 0) {
        supervise([&] {
            ::kill(::getppid(), SIGKILL);
            const char number = static_cast<char>(wait_for_signal());
            return ::write(ends[1], &number, 1) == 1 ? 0 : 1;
        });
        ::_exit(0);
    }
    ::close(ends[1]);
    char number = 0;
    CHECK(::read(ends[0], &number, 1) == 1);
    CHECK(number == SIGTERM);
    ::close(ends[0]);
    ::waitpid(supervisor, nullptr, 0);
}
