#include "ft/ui/format.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace ft::ui {

std::string bytes(std::uint64_t number) {
    if (number < 1000) return fmt::format("{} byte{}", number, number == 1 ? "" : "s");
    static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = static_cast<double>(number) / 1000;
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
    return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, kUnits[unit]);
}

std::string count(std::uint64_t number, const char* one, const char* many) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    return digits + " " + (number == 1 ? one : many);
}

std::string duration(std::chrono::milliseconds time) {
    const auto milliseconds = time.count();
    if (milliseconds < 9950) return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
    const auto seconds = (milliseconds + 500) / 1000;
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

std::string time(std::int64_t wall_seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(wall_seconds)));
}

}  // namespace ft::ui
