#pragma once

#include "ft/base/error.h"

namespace ft::cli {

/// What scripts read: any status but done, committed_with_trouble and recovery means that nothing live was
/// changed.
enum class ExitStatus {
    done = 0,
    failed = 1,
    usage = 2,
    check_refused = 3,
    connection = 4,
    source_failed = 5,
    no_space_or_permission = 6,
    verification = 7,
    interrupted = 8,
    busy = 9,
    committed_with_trouble = 10,
    recovery = 11,
};

ExitStatus exit_status(base::ErrorKind kind);

}  // namespace ft::cli
