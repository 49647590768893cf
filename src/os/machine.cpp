#include "ft/os/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <climits>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "ft/base/error.h"
#include "os/accounts.h"
#include "os/real_network.h"
#include "os/real_processes.h"
#include "os/real_terminal.h"
#include "os/root.h"
#include "os/wait.h"

namespace ft::os {
namespace {

class RealClock final : public Clock {
public:
    std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
    std::int64_t wall_seconds() const override { return std::time(nullptr); }
    void sleep(std::chrono::milliseconds time, base::Cancellation& cancellation) override {
        const auto end = now() + time;
        const Wake wake;
        const auto hook = cancellation.on_request([&] { wake.set(); });
        pollfd what{wake.number(), POLLIN, 0};
        wait_for({&what, 1}, end);
        cancellation.check();
    }
};

class RealLock final : public Lock {
public:
    explicit RealLock(RealDirectory directory) : directory_{std::move(directory)} {}

private:
    RealDirectory directory_;
};

class RealMachine final : public Machine {
public:
    RealMachine() {
        ::umask(022);  // what services and hooks expect; files of ours say their mode
        ::signal(SIGPIPE, SIG_IGN);
        // Standard streams that nobody opened would become files of ours.
        while (true) {
            Fd fd{::open("/dev/null", O_RDWR)};
            if (fd.number() > 2 || !fd.is_open()) break;
            fd.release();
        }
    }

    std::unique_ptr<Directory> open_root(const std::string& path) override {
        return std::make_unique<RealDirectory>(os::open_root(path));
    }
    std::unique_ptr<const Directory> open_root_to_read(const std::string& path) override {
        return std::make_unique<const RealDirectory>(os::open_root(path));
    }
    std::vector<std::string> make_root(const std::string& path) override { return os::make_root(path); }
    void remove_root(const std::string& path) override { os::remove_root(path); }

    std::unique_ptr<Lock> lock(const std::string& directory) override {
        RealDirectory held = os::open_root(directory);
        if (uninterrupted([&] { return ::flock(held.number(), LOCK_EX | LOCK_NB); }) == 0) {
            return std::make_unique<RealLock>(std::move(held));
        }
        if (errno == EWOULDBLOCK) return nullptr;
        throw base::system_error("lock", directory, errno);
    }

    bool is_locked(const std::string& directory) const override {
        // Taking the lock, even for a moment and shared, could keep a run from beginning.
        const auto status = RealDirectory{os::open_root(directory)}.status(".");
        const std::string inode = fmt::format(":{} ", status.value().inode);
        std::ifstream locks{"/proc/locks"};
        for (std::string line; std::getline(locks, line);) {
            // "1: FLOCK  ADVISORY  WRITE 4711 fe:01:1234 0 EOF"; a waiting one is "1: -> FLOCK ...".
            if (line.find(": FLOCK ") != std::string::npos && line.find(inode) != std::string::npos)
                return true;
        }
        return false;
    }

    std::unique_ptr<Accounts> accounts(const std::string& root) override { return make_accounts(root); }
    Processes& processes() override { return processes_; }
    Network& network() override { return network_; }
    Clock& clock() override { return clock_; }
    Terminal& terminal() override { return terminal_; }

    void fill_random(std::span<std::byte> into) override {
        while (!into.empty()) {
            const ssize_t count = uninterrupted([&] { return ::getrandom(into.data(), into.size(), 0); });
            if (count < 0) throw base::system_error("get", "random bytes", errno);
            into = into.subspan(static_cast<std::size_t>(count));
        }
    }
    std::string host_name() const override {
        char name[HOST_NAME_MAX + 1];
        if (::gethostname(name, sizeof name) != 0) throw base::system_error("get", "the host name", errno);
        return name;
    }
    void set_host_name(const std::string& name) override {
        if (::sethostname(name.data(), name.size()) != 0)
            throw base::system_error("set", "the host name", errno);
    }
    std::optional<std::string> environment(const char* name) const override {
        const char* value = std::getenv(name);
        return value == nullptr ? std::nullopt : std::optional<std::string>{value};
    }
    void forget_environment(const char* name) override { ::unsetenv(name); }

private:
    RealProcesses processes_;
    RealNetwork network_;
    RealClock clock_;
    RealTerminal terminal_;
};

}  // namespace

std::unique_ptr<Machine> make_machine() {
    // What one thread allocates another frees: in an arena each, the holes that this leaves are of no use.
    ::mallopt(M_ARENA_MAX, 1);
    return std::make_unique<RealMachine>();
}

}  // namespace ft::os
