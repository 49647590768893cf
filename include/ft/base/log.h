#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace ft::base {

/// The log of this process: lines with time and level to one file, or nowhere before open_log. Any thread.
/// Text from elsewhere is escaped by the caller; a log that cannot be written never ends a run.
enum class LogLevel { debug, info, warning, error };
/// Appends to the file at `path`, made with mode 0600 in a directory that exists; never through a link.
void open_log(const std::string& path);
void close_log();
void write_log(LogLevel level, std::string_view line);

template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    write_log(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ft::base
