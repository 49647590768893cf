#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ft::base {

/// What kind of trouble: decides the exit status, never the wording.
enum class ErrorKind {
    internal,    ///< a promise between our own parts is broken
    usage,       ///< arguments or system.json
    unfit,       ///< a check found that the run cannot succeed
    network,     ///< name, address, port, connection: a later try may succeed
    stranger,    ///< what answers is not the source: another pairing code, no ft
    peer,        ///< the other side broke the protocol, failed or stopped
    io,          ///< a file or directory could not be read or changed
    permission,  ///< as io: the system refused
    no_space,    ///< as io: space, inodes or quota ended
    database,    ///< PostgreSQL or its tools
    command,     ///< a program that system.json names: a service's, a hook
    corrupt,     ///< copied, but not equal
    cancelled,   ///< the admin interrupted
    busy,        ///< another run holds the lock
    recovery,    ///< an unfinished commit needs a person
};

/// The only exception that ft throws. what() is one line, outermost object first, free of control characters.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message, std::string advice = {});
    ErrorKind kind() const noexcept { return kind_; }
    /// What the admin can do; empty when nothing useful is known.
    const std::string& advice() const noexcept { return advice_; }
    /// Further lines, one a finding, when the error sums up several; else empty.
    const std::vector<std::string>& details() const noexcept { return details_; }
    Error with_details(std::vector<std::string> details) const;
    /// The same error, seen from one level further out: "OBJECT: message".
    Error on(std::string_view object) const;

private:
    ErrorKind kind_;
    std::string advice_;
    std::vector<std::string> details_;
};

/// The error of a system call that failed on `object` (escaped here) with `code` (an errno):
/// "OBJECT: cannot ACTION: reason"; the errno decides between io, permission and no_space.
Error system_error(std::string_view action, std::string_view object, int code);

}  // namespace ft::base
