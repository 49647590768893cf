// ft as client of a stock daemon, which the program ft itself never is: `bench-pull HOST PORT MODULE
// DIRECTORY`. Pulls into the staging of DIRECTORY and leaves it there; nothing is committed, nothing synced.
// Prints the bytes on the wire.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ft/base/error.h"
#include "ft/os/machine.h"
#include "ft/rsync/pull.h"
#include "ft/staging/names.h"
#include "ft/staging/staging.h"

using namespace ft;

namespace {

class Counted : public base::Stream {
public:
    explicit Counted(base::Stream& inner) : inner_{inner} {}
    std::size_t read_some(std::span<std::byte> into) override {
        const std::size_t length = inner_.read_some(into);
        received += length;
        return length;
    }
    void write(std::span<const std::byte> data) override {
        inner_.write(data);
        sent += data.size();
    }
    void flush() override { inner_.flush(); }
    void shut_down() noexcept override { inner_.shut_down(); }

    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> sent{0};

private:
    base::Stream& inner_;
};

void pull(os::Machine& machine, const std::string& host, std::uint16_t port, const std::string& module,
          const std::string& directory) {
    const auto live = machine.open_root(directory);
    const auto accounts = machine.accounts("/");
    base::Cancellation cancellation;
    base::Progress progress;
    const auto socket = machine.network().connect(host, port, std::chrono::seconds{10}, cancellation);
    Counted counted{*socket};
    tree::Rules rules;
    rules.exclude_path(base::RelPath{staging::kReservedDirectory});
    rsync::PullOptions options;
    options.module = module;
    options.accounts = accounts.get();
    staging::Staging staging{*live, staging::open_reserved(*live), {}, "a stock daemon"};
    rsync::pull(counted, *live, rules, staging, options, progress, cancellation);
    staging.finish();
    std::printf("Total bytes sent: %lu\nTotal bytes received: %lu\n",
                static_cast<unsigned long>(counted.sent.load()),
                static_cast<unsigned long>(counted.received.load()));
    std::fflush(stdout);
    std::_Exit(0);  // what was staged is the caller's to remove, who does not do it while a clock runs
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: bench-pull HOST PORT MODULE DIRECTORY\n", stderr);
        return 2;
    }
    try {
        const auto machine = os::make_machine();
        pull(*machine, argv[1], static_cast<std::uint16_t>(std::atoi(argv[2])), argv[3], argv[4]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench-pull: %s\n", error.what());
    }
    return 1;
}
