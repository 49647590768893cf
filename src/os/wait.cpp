#include "os/wait.h"

#include <sys/eventfd.h>

#include <algorithm>

#include "ft/base/error.h"

namespace ft::os {

Wake::Wake() : fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (!fd_.is_open()) throw base::system_error("make", "an event descriptor", errno);
}

void Wake::set() const noexcept { ::eventfd_write(fd_.number(), 1); }

bool wait_for(std::span<pollfd> what, const Deadline& deadline) {
    using namespace std::chrono;
    while (true) {
        int time = -1;
        if (deadline) {
            const auto left = ceil<milliseconds>(*deadline - steady_clock::now());
            time = static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 1 << 30));
        }
        const int ready = ::poll(what.data(), what.size(), time);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) throw base::system_error("wait for", "a descriptor", errno);
        if (deadline && steady_clock::now() >= *deadline) return false;
    }
}

}  // namespace ft::os
