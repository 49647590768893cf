#pragma once

#include <string>
#include <string_view>

namespace ft::base {

/// Text of unknown origin made fit for a terminal, a log, JSON or a report: printable UTF-8 stays; control
/// characters, invalid bytes, bidirectional and zero-width characters and the backslash become `\xNN` (one
/// escape a byte). Reversible by unescape, so two different texts never look alike.
std::string escape(std::string_view bytes);

/// The bytes that escape was given. Error usage when `text` holds a backslash that begins no `\xNN` (two
/// small hexadecimal digits).
std::string unescape(std::string_view text);

}  // namespace ft::base
