#include "ft/records/downtime.h"

#include <fmt/format.h>

#include "ft/ui/format.h"

namespace ft::records {

std::chrono::milliseconds downtime(os::Clock& clock, const StoppedSince& since) {
    if (!since) return std::chrono::milliseconds{0};
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - *since);
}

std::string downtime_suffix(os::Clock& clock, const StoppedSince& since) {
    return since ? ", production stopped for " + ui::duration(downtime(clock, since)) : "";
}

std::string stopped_at(os::Clock& clock, std::chrono::steady_clock::time_point since) {
    const auto ago = std::chrono::duration_cast<std::chrono::seconds>(clock.now() - since);
    return ui::time(clock.wall_seconds() - ago.count());
}

std::string downtime_sentence(os::Clock& clock, std::chrono::steady_clock::time_point since) {
    return fmt::format("Production is stopped since {} (downtime so far {})", stopped_at(clock, since),
                       ui::duration(downtime(clock, since)));
}

}  // namespace ft::records
