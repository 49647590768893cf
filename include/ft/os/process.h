#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/file.h"

namespace ft::os {

/// A program to run, without a shell.
struct Command {
    std::vector<std::string> arguments;               ///< [0] is the program, found in the system's PATH
    std::map<std::string, std::string> environment;   ///< besides PATH, LC_ALL=C.UTF-8 and HOME; nothing is inherited
    std::string user;                                 ///< runs as this system user, groups included; empty: as we are
    const Directory* working_directory = nullptr;     ///< held by descriptor: `user` needs no right on the way to it
};

struct Finished {
    int status = 0;       ///< exit status; 128 + signal when one ended it
    std::string output;   ///< stdout, first 16 MiB
    std::string errors;   ///< stderr, first 64 KiB
};

class Processes {
public:
    virtual ~Processes() = default;
    /// Runs to the end. `on_error_line` is called for each line of stderr as it comes (not escaped). When
    /// `cancellation` is requested the child gets TERM, and KILL after 5 seconds: Error cancelled. The child
    /// dies with us. Errors: unfit when the program or the user does not exist.
    virtual Finished run(const Command& command, base::Cancellation& cancellation,
                         const std::function<void(std::string_view)>& on_error_line = {}) = 0;
    /// Calls `action` with the calling thread's effective ids those of `user` (peer authentication asks the
    /// kernel who connects); empty: as we are. Error unfit for an unknown user.
    virtual void as_user(const std::string& user, const std::function<void()>& action) = 0;
};

}  // namespace ft::os
