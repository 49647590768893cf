#include "cli/exit_status.h"

namespace ft::cli {

ExitStatus exit_status(base::ErrorKind kind) {
    using base::ErrorKind;
    switch (kind) {
        case ErrorKind::internal:
        case ErrorKind::database:
        case ErrorKind::command:
            return ExitStatus::failed;
        case ErrorKind::usage:
            return ExitStatus::usage;
        case ErrorKind::unfit:
            return ExitStatus::check_refused;
        case ErrorKind::network:
        case ErrorKind::stranger:
            return ExitStatus::connection;
        case ErrorKind::peer:
            return ExitStatus::source_failed;
        case ErrorKind::io:
        case ErrorKind::permission:
        case ErrorKind::no_space:
            return ExitStatus::no_space_or_permission;
        case ErrorKind::corrupt:
            return ExitStatus::verification;
        case ErrorKind::cancelled:
            return ExitStatus::interrupted;
        case ErrorKind::busy:
            return ExitStatus::busy;
        case ErrorKind::recovery:
            return ExitStatus::recovery;
    }
    return ExitStatus::failed;
}

}  // namespace ft::cli
