#pragma once

#include <chrono>
#include <map>
#include <string>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::system {

/// A program that system.json names: a service's, a hook.
struct Program {
    std::string what;  ///< for messages and the log: "service worker: stop"
    Argv argv;
    std::map<std::string, std::string> environment{};  ///< besides what os::Command gives
    std::chrono::milliseconds time_limit{0};
};

/// Runs it to the end, without a shell, as we are; each line that it says goes to the log. Its exit status;
/// Error command when it could not be started, was ended by a signal or took longer than its limit (it is
/// ended then), or cancelled.
int run(os::Machine& machine, const Program& program, base::Cancellation& cancellation);

/// As run, with all that it said on stdout.
struct Answer {
    int status = 0;
    std::string output;
};
Answer ask(os::Machine& machine, const Program& program, base::Cancellation& cancellation);

/// As run; Error command for any status but 0, with the last line that it said.
void require(os::Machine& machine, const Program& program, base::Cancellation& cancellation);

}  // namespace ft::system
