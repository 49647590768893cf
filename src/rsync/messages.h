#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/base/error.h"
#include "ft/wire/frames.h"

namespace ft::rsync {

/// What a sender says besides the data. One thread at a time.
class Messages {
public:
    /// A text or a number. Error peer when the sender ends the session.
    void take(const wire::Message& message);
    void add_io_error(std::int32_t bits) { io_error_ |= bits; }

    /// Texts that say what failed, escaped, first ten.
    const std::vector<std::string>& failures() const { return failures_; }
    /// What did not end the pull: the first of them.
    const std::vector<std::string>& warnings() const { return warnings_; }
    /// Throws Error peer when the sender could not read something, or when something vanished and is missed
    /// (a source that is not `live` stands still).
    void require_complete(bool live) const;

private:
    base::Error failure(const std::string& what) const;

    std::int32_t io_error_ = 0;
    std::vector<std::string> failures_;
    std::vector<std::string> warnings_;
};

}  // namespace ft::rsync
