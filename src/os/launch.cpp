#include "os/launch.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "os/identity.h"
#include "os/real_directory.h"

namespace ft::os {
namespace {

using base::Error;
using base::ErrorKind;

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kSteps[] = {"start", "enter its directory", "change to its user"};

/// All that the child needs, made before the fork.
struct Launch {
    std::string program;
    std::vector<std::string> texts;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    std::optional<Identity> identity;
    Fd root;
    int directory = -1;
    Fd input;
    int output = -1;
    int errors = -1;
    int report = -1;
    pid_t parent = ::getpid();
};

std::string find_program(const std::string& name, std::string_view path) {
    if (name.find('/') != std::string::npos) return name;
    while (!path.empty()) {
        const std::string_view place = path.substr(0, path.find(':'));
        path.remove_prefix(std::min(place.size() + 1, path.size()));
        std::string candidate = std::string{place} + "/" + name;
        struct stat status;
        const bool fits = place.starts_with('/') && ::stat(candidate.c_str(), &status) == 0 &&
                          S_ISREG(status.st_mode) && ::access(candidate.c_str(), X_OK) == 0;
        if (fits) return candidate;
    }
    throw Error{ErrorKind::unfit, base::escape(name) + ": not installed (no directory of PATH holds it)",
                "Install the package that contains it, then run the same command again."};
}

Launch prepare(const Command& command) {
    Launch launch;
    if (command.arguments.empty()) throw Error{ErrorKind::internal, "a command without a program"};
    if (!command.user.empty()) launch.identity = identity_of(command.user);
    const auto ours = [](const char* name, const char* otherwise) {
        const char* value = std::getenv(name);
        return std::string{value != nullptr ? value : otherwise};
    };
    std::map<std::string, std::string> environment = command.environment;
    environment.emplace("PATH", ours("PATH", kDefaultPath));
    environment.emplace("LC_ALL", "C.UTF-8");
    environment.emplace("HOME", launch.identity ? launch.identity->home : ours("HOME", "/"));
    launch.program = find_program(command.arguments[0], environment["PATH"]);
    launch.texts = command.arguments;
    for (const auto& [name, value] : environment) launch.texts.push_back(name + "=" + value);
    for (std::string& text : launch.texts) {
        if (text.find('\0') != std::string::npos) throw Error{ErrorKind::internal, "a NUL byte in a command"};
        const bool argument = launch.arguments.size() < command.arguments.size();
        (argument ? launch.arguments : launch.environment).push_back(text.data());
    }
    launch.arguments.push_back(nullptr);
    launch.environment.push_back(nullptr);
    launch.root = Fd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    launch.input = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const Directory* directory = command.working_directory;
    launch.directory = directory != nullptr ? real(*directory).number() : launch.root.number();
    if (launch.identity && launch.identity->user == ::geteuid())
        launch.identity.reset();  // nothing to change
    return launch;
}

struct Pipe {
    Fd read;
    Fd write;

    Pipe() {
        std::array<int, 2> ends;
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw base::system_error("make", "a pipe", errno);
        read = Fd{ends[0]};
        write = Fd{ends[1]};
    }
};

bool change_to(const Identity& identity) {
    // Not the functions of the C library: they would look for threads that the child does not have.
    return ::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, identity.group, identity.group, identity.group) == 0 &&
           ::syscall(SYS_setresuid, identity.user, identity.user, identity.user) == 0;
}

/// The child between fork and exec: other threads may have held any lock, so it only makes system calls.
[[noreturn]] void run_child(const Launch& launch) noexcept {
    const auto give_up = [&](int step) {
        const int report[] = {step, errno};
        if (::write(launch.report, report, sizeof report) < 0) ::_exit(126);
        ::_exit(127);
    };
    ::setsid();
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction standard {};
        ::sigaction(number, &standard, nullptr);  // what we ignore, it would ignore too
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // Whatever a library has left open.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (::dup2(launch.input.number(), 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.errors, 2) < 0)
        give_up(0);
    if (::fchdir(launch.directory) != 0) give_up(1);
    if (launch.identity && !change_to(*launch.identity)) give_up(2);
    // After the change of user, which would take it back; the parent may be gone already.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launch.parent) ::_exit(127);
    ::execve(launch.program.c_str(), launch.arguments.data(), launch.environment.data());
    give_up(0);
    ::_exit(127);
}

}  // namespace

Child::Child(const Command& command) {
    Launch launch = prepare(command);
    const std::string& name = command.arguments[0];
    Pipe output;
    Pipe errors;
    Pipe report;
    launch.output = output.write.number();
    launch.errors = errors.write.number();
    launch.report = report.write.number();
    for (const Fd* end : {&output.read, &errors.read}) ::fcntl(end->number(), F_SETFL, O_NONBLOCK);
    id_ = ::fork();
    if (id_ < 0) throw base::system_error("start", name, errno);
    if (id_ == 0) run_child(launch);
    for (Pipe* pipe : {&output, &errors, &report}) pipe->write = Fd{};
    process_ = Fd{::syscall(SYS_pidfd_open, id_, 0)};
    output_ = std::move(output.read);
    errors_ = std::move(errors.read);
    std::array<int, 2> failed{0, process_.is_open() ? 0 : errno};
    const ssize_t count =
        uninterrupted([&] { return ::read(report.read.number(), failed.data(), sizeof failed); });
    if (failed[1] == 0) return;
    // What the destructor would do: it does not run for an object that was never complete.
    signal(SIGKILL);
    wait();
    const auto step = static_cast<std::size_t>(count > 0 ? failed[0] : 0);
    const Error error = base::system_error(kSteps[step], name, failed[1]);
    throw step == 0 && (failed[1] == ENOENT || failed[1] == EACCES) ? Error{ErrorKind::unfit, error.what()}
                                                                    : error;
}

Child::~Child() {
    if (id_ <= 0) return;
    signal(SIGKILL);
    wait();
}

void Child::signal(int number) const { ::kill(-id_, number); }

int Child::wait() {
    int status = 0;
    uninterrupted([&] { return ::waitpid(id_, &status, 0); });
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace ft::os
