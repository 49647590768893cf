#include "ft/os/supervise.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "ft/base/error.h"
#include "os/wait.h"

namespace ft::os {
namespace {

[[noreturn]] void be_worker(pid_t supervisor, const sigset_t& before, const std::function<int()>& work) {
    // What the supervisor alone waits for; INT, TERM and HUP stay blocked, so that none is lost before the
    // work looks for them.
    sigset_t child_ended;
    ::sigemptyset(&child_ended);
    ::sigaddset(&child_ended, SIGCHLD);
    if (::sigismember(&before, SIGCHLD) == 0) ::sigprocmask(SIG_UNBLOCK, &child_ended, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != supervisor) ::raise(SIGTERM);  // it has gone meanwhile
    ::_exit(work());
}

}  // namespace

WorkerEnd supervise(const std::function<int()>& work) {
    ::signal(SIGCHLD, SIG_DFL);  // ignored, it would not be awaited
    sigset_t awaited;
    sigset_t before;
    ::sigemptyset(&awaited);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&awaited, number);
    ::sigprocmask(SIG_BLOCK, &awaited, &before);
    const pid_t self = ::getpid();
    const pid_t worker = ::fork();
    if (worker < 0) throw base::system_error("start", "a worker process", errno);
    if (worker == 0) be_worker(self, before, work);
    while (true) {
        int status = 0;
        if (uninterrupted([&] { return ::waitpid(worker, &status, WNOHANG); }) == worker) {
            if (WIFSIGNALED(status)) return {1, WTERMSIG(status)};
            return {WEXITSTATUS(status), {}};
        }
        siginfo_t arrived;
        const int number = ::sigwaitinfo(&awaited, &arrived);
        if (number == SIGINT || number == SIGTERM || number == SIGHUP) ::kill(worker, number);
    }
}

}  // namespace ft::os
