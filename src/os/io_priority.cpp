#include "ft/os/io_priority.h"

#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ft::os {

void lower_io_priority() noexcept {
    // Not the idle class: on a busy disk it might never come to an end.
    constexpr int kThisThread = 0;
    ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, kThisThread,
              IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_NR_LEVELS - 1));
}

}  // namespace ft::os
