#include "ft/os/io_priority.h"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

using namespace ft;

namespace {

long priority() { return ::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0); }

}  // namespace

TEST_CASE("a thread's disk priority is lowered with those of the threads that it starts, and no other's",
          "[os]") {
    const long before = priority();
    constexpr long kLowest = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_NR_LEVELS - 1);
    long lowered = 0;
    long inherited = 0;
    std::thread{[&] {
        os::lower_io_priority();
        lowered = priority();
        std::thread{[&] { inherited = priority(); }}.join();
    }}.join();
    CHECK(lowered == kLowest);
    CHECK(inherited == kLowest);
    CHECK(priority() == before);
    CHECK(before != kLowest);
}
