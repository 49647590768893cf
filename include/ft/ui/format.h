#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ft::ui {

/// "812 bytes", "41.2 GB": decimal units, three digits.
std::string bytes(std::uint64_t number);
/// "1 file", "12,034 files"; `many` is the plural.
std::string count(std::uint64_t number, const char* one, const char* many);
/// "0.4 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string duration(std::chrono::milliseconds time);
/// Seconds since 1970 as "2026-07-14T22:10:05Z".
std::string time(std::int64_t wall_seconds);

}  // namespace ft::ui
