#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/file.h"

namespace ft::os {

/// A program to run, without a shell. It gets no input, default signals, and no descriptor but its streams.
struct Command {
    /// [0] is the program, found in PATH.
    std::vector<std::string> arguments{};
    /// Besides PATH (ours), LC_ALL=C.UTF-8 and HOME, which it may also replace; nothing else is inherited.
    std::map<std::string, std::string> environment{};
    /// Runs as this system user, groups included; empty: as we are.
    std::string user{};
    /// Held by descriptor: `user` needs no right on the way to it. Nothing: "/".
    const Directory* working_directory = nullptr;
    /// How long it may take; nothing: as long as it wants.
    std::optional<std::chrono::milliseconds> time_limit{};
};

struct Finished {
    int status = 0;          ///< exit status; 128 + signal when one ended it
    std::string output{};    ///< stdout, first 16 MiB
    std::string errors{};    ///< stderr, first 64 KiB
    bool timed_out = false;  ///< it was ended because its time was over
};

class Processes {
public:
    virtual ~Processes() = default;
    /// Runs to the end. `on_error_line` is called for each line of stderr as it comes (not escaped). When
    /// `cancellation` is requested, or its time is over, the child gets TERM, and KILL after 5 seconds: Error
    /// cancelled, or `timed_out`. The child dies with us, and is not reached by a Ctrl-C on the terminal.
    /// Errors: unfit when the program or the user does not exist.
    virtual Finished run(const Command& command, base::Cancellation& cancellation,
                         const std::function<void(std::string_view)>& on_error_line = {}) = 0;
    /// Calls `action` with the calling thread's effective ids those of `user` (peer authentication asks the
    /// kernel who connects); empty: as we are. Error unfit for an unknown user.
    virtual void as_user(const std::string& user, const std::function<void()>& action) = 0;
};

}  // namespace ft::os
