#include "os/real_processes.h"

#include <csignal>

#include "os/identity.h"
#include "os/launch.h"
#include "os/wait.h"

namespace ft::os {
namespace {

constexpr std::size_t kOutputLimit = 16 << 20;
constexpr std::size_t kErrorsLimit = 64 << 10;
constexpr std::chrono::seconds kGrace{5};

/// One of a child's streams: keeps the first bytes, and tells the lines as they come.
class Reading {
public:
    Reading(Fd& from, std::size_t limit, const std::function<void(std::string_view)>& on_line)
        : from_{from}, limit_{limit}, on_line_{on_line} {}

    int number() const { return from_.number(); }
    /// Takes what is there; false when nothing is, for now or for good.
    bool take() {
        if (!from_.is_open()) return false;
        char buffer[64 * 1024];
        const ssize_t count = uninterrupted([&] { return ::read(from_.number(), buffer, sizeof buffer); });
        if (count <= 0) {
            if (count == 0) from_ = Fd{};
            return false;
        }
        const std::string_view text{buffer, static_cast<std::size_t>(count)};
        kept_ += text.substr(0, limit_ - kept_.size());
        if (on_line_) tell(text);
        return true;
    }
    std::string finish() {
        if (!line_.empty()) on_line_(line_);
        return std::move(kept_);
    }

private:
    void tell(std::string_view text) {
        for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;
             text.remove_prefix(end + 1)) {
            on_line_(line_ += text.substr(0, end));
            line_.clear();
        }
        line_ += text;
        if (line_.size() > kErrorsLimit) on_line_(std::exchange(line_, {}));
    }

    Fd& from_;
    std::size_t limit_;
    const std::function<void(std::string_view)>& on_line_;
    std::string kept_;
    std::string line_;
};

}  // namespace

Finished RealProcesses::run(const Command& command, base::Cancellation& cancellation,
                            const std::function<void(std::string_view)>& on_error_line) {
    cancellation.check();
    Child child{command};
    const Wake wake;
    const auto hook = cancellation.on_request([&] { wake.set(); });
    const std::function<void(std::string_view)> silent;
    Reading output{child.output(), kOutputLimit, silent};
    Reading errors{child.errors(), kErrorsLimit, on_error_line};
    bool stopping = false;
    bool timed_out = false;
    Deadline patience;
    if (command.time_limit) patience = std::chrono::steady_clock::now() + *command.time_limit;
    const auto stop = [&] {
        stopping = true;
        child.signal(SIGTERM);
        patience = std::chrono::steady_clock::now() + kGrace;
    };
    while (true) {
        pollfd what[] = {{child.ended(), POLLIN, 0},
                         {output.number(), POLLIN, 0},
                         {errors.number(), POLLIN, 0},
                         {stopping ? -1 : wake.number(), POLLIN, 0}};
        if (!wait_for(what, patience)) {
            if (stopping) {
                child.signal(SIGKILL);
                patience.reset();
            } else {
                timed_out = true;
                stop();
            }
        }
        if (what[3].revents != 0) stop();
        output.take();
        errors.take();
        if (what[0].revents != 0) break;
    }
    // What it left in the pipes; whoever else holds them may go on, but not keep us.
    for (int rounds = 0; rounds < 64 && (output.take() || errors.take()); ++rounds) {
    }
    if (stopping) cancellation.check();
    const int status = child.wait();
    return {status, output.finish(), errors.finish(), timed_out};
}

void RealProcesses::as_user(const std::string& user, const std::function<void()>& action) {
    if (user.empty()) return action();
    act_as(user, action);
}

}  // namespace ft::os
