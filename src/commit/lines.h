#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ft/os/file.h"

namespace ft::commit {

// A line of a journal: checksum of the text in hex, a space, the text, a newline.

/// Appends `text` as a line to `out`.
void append_line(std::string& out, std::string_view text);
/// The text of a line without its newline; nothing when the line is damaged.
std::optional<std::string_view> text_of(std::string_view line);

/// Reads a text file line by line.
class LineReader {
public:
    explicit LineReader(const os::File& file) : file_{file}, size_{file.status().size} {}

    /// The next line with its newline, valid until the next call; nothing at the end of the file. Without a
    /// newline: the last one, or a piece of one that is longer than any record.
    std::optional<std::string_view> next();
    /// Bytes of the file up to here, lines up to here, and whether that is all.
    std::uint64_t position() const { return position_; }
    std::uint64_t number() const { return number_; }
    bool at_end() const { return position_ == size_; }

private:
    /// Reads a further piece; false when the file has no more.
    bool fill();

    const os::File& file_;
    std::uint64_t size_;
    std::string buffer_;
    std::size_t at_ = 0;  // of the next line, in buffer_
    std::uint64_t position_ = 0;
    std::uint64_t number_ = 0;
};

}  // namespace ft::commit
