#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ft/base/cancellation.h"

namespace ft::os {

/// The three standard streams. Writing never fails a run: a closed stream or a terminal that went away is
/// ignored.
class Terminal {
public:
    virtual ~Terminal() = default;
    virtual void write_out(std::string_view text) = 0;    ///< stdout
    virtual void write_error(std::string_view text) = 0;  ///< stderr
    virtual bool out_is_terminal() const = 0;
    virtual unsigned columns() const = 0;  ///< of stdout; 80 when unknown
    /// True when a question can be asked: stdin is a terminal.
    virtual bool can_ask() const = 0;
    /// Writes `question` to stderr and reads a line from stdin, without showing it when `secret`. Nothing at
    /// the end of input. Error cancelled.
    virtual std::optional<std::string> ask(std::string_view question, bool secret,
                                           base::Cancellation& cancellation) = 0;
};

}  // namespace ft::os
