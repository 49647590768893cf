// A line with a delay and a rate between two network namespaces, for kernels without netem:
// `bench-lag-line NAMESPACE_A NAMESPACE_B ONE_WAY_MS MBIT_PER_S`. Each namespace gets a TUN device
// `lag0`, 10.78.0.1 and 10.78.0.2; what one sends leaves the other when it has crossed the line. A queue of
// 50 ms stands before the line, and drops what finds it full. Prints "ready"; ends by a signal, or with its
// parent.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kQueue = std::chrono::milliseconds{50};
constexpr std::size_t kLargestPacket = 1500;
constexpr int kAtOnce = 64;  // packets taken from one side before the other is looked at

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error{what + ": " + std::strerror(errno)};
}

int open_device() {
    const int device = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) fail("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strcpy(request.ifr_name, "lag0");
    if (::ioctl(device, TUNSETIFF, &request) != 0) fail("lag0");
    return device;
}

/// A device in a namespace of `ip netns`; it stays there when this process has left.
int device_in(const std::string& name, const std::string& address) {
    const std::string path = "/run/netns/" + name;
    const int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (space < 0 || ::setns(space, CLONE_NEWNET) != 0) fail(path);
    ::close(space);
    const int device = open_device();
    const std::string commands = "ip addr add " + address + "/30 dev lag0 && ip link set lag0 up mtu " +
                                 std::to_string(kLargestPacket) + " txqueuelen 2000 && ip link set lo up";
    if (std::system(commands.c_str()) != 0) throw std::runtime_error{"cannot set up lag0 in " + name};
    return device;
}

class Direction {
public:
    Direction(int from, int to, Clock::duration delay, double bytes_per_s)
        : from_{from}, to_{to}, delay_{delay}, bytes_per_s_{bytes_per_s} {}

    void take() {
        char bytes[kLargestPacket];
        for (int number = 0; number < kAtOnce; ++number) {
            const ssize_t length = ::read(from_, bytes, sizeof bytes);
            if (length <= 0) return;
            const auto now = Clock::now();
            const auto begin = std::max(now, free_at_);
            if (begin - now > kQueue) continue;
            free_at_ = begin + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(static_cast<double>(length) / bytes_per_s_));
            packets_.push_back({free_at_ + delay_, {bytes, bytes + length}});
        }
    }
    void deliver() {
        while (!packets_.empty() && packets_.front().due <= Clock::now()) {
            const auto& bytes = packets_.front().bytes;
            // A device that is full, or gone down, loses the packet, as a network card would.
            [[maybe_unused]] const ssize_t written = ::write(to_, bytes.data(), bytes.size());
            packets_.pop_front();
        }
    }
    Clock::time_point next() const {
        return packets_.empty() ? Clock::time_point::max() : packets_.front().due;
    }

private:
    struct Packet {
        Clock::time_point due;
        std::vector<char> bytes;
    };
    int from_;
    int to_;
    Clock::duration delay_;
    double bytes_per_s_;
    Clock::time_point free_at_;
    std::deque<Packet> packets_;
};

[[noreturn]] void carry(int a, int b, Clock::duration delay, double bytes_per_s) {
    Direction there{a, b, delay, bytes_per_s};
    Direction back{b, a, delay, bytes_per_s};
    while (true) {
        there.deliver();
        back.deliver();
        const auto due = std::min(there.next(), back.next());
        const auto wait =
            due == Clock::time_point::max()
                ? std::chrono::nanoseconds{std::chrono::seconds{1}}
                : std::max(std::chrono::nanoseconds{0}, std::chrono::nanoseconds{due - Clock::now()});
        const timespec timeout{wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
        pollfd polled[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        if (::ppoll(polled, 2, &timeout, nullptr) <= 0) continue;
        if (polled[0].revents != 0) there.take();
        if (polled[1].revents != 0) back.take();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const double delay_ms = argc == 5 ? std::atof(argv[3]) : 0;
    const double mbit = argc == 5 ? std::atof(argv[4]) : 0;
    if (delay_ms <= 0 || mbit <= 0) {
        std::fputs("usage: bench-lag-line NAMESPACE_A NAMESPACE_B ONE_WAY_MS MBIT_PER_S\n", stderr);
        return 2;
    }
    try {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int a = device_in(argv[1], "10.78.0.1");
        const int b = device_in(argv[2], "10.78.0.2");
        std::puts("ready");
        std::fflush(stdout);
        carry(
            a, b,
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(delay_ms)),
            mbit * 1e6 / 8);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench-lag-line: %s\n", error.what());
        return 1;
    }
}
