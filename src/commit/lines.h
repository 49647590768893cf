#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ft/os/file.h"

namespace ft::commit {

/// Writes a text file in large pieces.
class LineWriter {
public:
    explicit LineWriter(os::File& file) : file_{file} {}
    void write(std::string_view line);
    /// Writes what is left; returns the length of the file.
    std::uint64_t finish();

private:
    void flush();
    os::File& file_;
    std::string pending_;
    std::uint64_t written_ = 0;
};

/// Reads a text file line by line.
class LineReader {
public:
    explicit LineReader(const os::File& file) : file_{file}, size_{file.status().size} {}

    struct Line {
        std::string_view text;  ///< with its newline, if it has one; valid until the next call
        bool last = false;      ///< nothing follows
    };
    /// Nothing at the end of the file. Error recovery when a line is longer than any record.
    std::optional<Line> next();
    /// Bytes before the line that comes next.
    std::uint64_t position() const { return position_; }

private:
    /// Reads a further piece; false when the file has no more.
    bool fill();

    const os::File& file_;
    std::uint64_t size_;
    std::string buffer_;
    std::size_t at_ = 0;  // of the next line, in buffer_
    std::uint64_t position_ = 0;
    std::uint64_t read_ = 0;  // bytes of the file that went into buffer_
};

}  // namespace ft::commit
