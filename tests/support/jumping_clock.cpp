// To be preloaded (LD_PRELOAD): a wall clock that jumps. FT_CLOCK names a file with the seconds by which it
// is off, separated by commas, of which each look takes the next. Clocks that no admin can set are left
// alone.

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::size_t kMost = 16;

/// What the file says now; true when it says anything.
bool read_offsets(char (&text)[256]) {
    const char* const path = ::secure_getenv("FT_CLOCK");
    const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const ssize_t length = ::read(file, text, sizeof text - 1);
    ::close(file);
    text[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

/// The offset of this look.
time_t next_offset() {
    static std::atomic<std::size_t> looks = 0;
    char text[256];
    if (!read_offsets(text)) return 0;
    time_t offsets[kMost];
    std::size_t known = 0;
    const char* at = text;
    for (char* end = nullptr; known < kMost; at = end + 1) {
        offsets[known] = std::strtoll(at, &end, 10);
        if (end == at) break;
        ++known;
        if (*end != ',') break;
    }
    return known == 0 ? 0 : offsets[looks++ % known];
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const long failed = ::syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += next_offset();
    return static_cast<int>(failed);
}

extern "C" int gettimeofday(timeval* __restrict now, void* __restrict) noexcept {
    timespec exact;
    const int failed = ::clock_gettime(CLOCK_REALTIME, &exact);
    if (failed == 0) *now = {exact.tv_sec, exact.tv_nsec / 1000};
    return failed;
}

extern "C" time_t time(time_t* where) noexcept {
    timespec now;
    if (::clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (where != nullptr) *where = now.tv_sec;
    return now.tv_sec;
}
