#pragma once

#include <sys/types.h>

#include "ft/os/process.h"
#include "os/fd.h"

namespace ft::os {

/// A running program, leader of its own session, so that a Ctrl-C on the terminal is ours alone. Whoever
/// destroys it before it has ended kills it and what it started.
class Child {
public:
    /// Errors: unfit when program or user does not exist, io when it cannot be started.
    explicit Child(const Command& command);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    Fd& output() { return output_; }                 ///< its stdout; reading does not block
    Fd& errors() { return errors_; }                 ///< its stderr
    int ended() const { return process_.number(); }  ///< a descriptor that is readable when it has ended
    void signal(int number) const;                   ///< to all that it started, too
    int wait();                                      ///< its exit status, or 128 + the signal that ended it

private:
    pid_t id_ = -1;
    Fd process_;
    Fd output_;
    Fd errors_;
};

}  // namespace ft::os
