#include "migrate/downtime.h"

#include <fmt/format.h>

#include "ft/ui/format.h"

namespace ft::migrate {

std::chrono::milliseconds downtime(os::Clock& clock, const StoppedSince& since) {
    if (!since) return std::chrono::milliseconds{0};
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - *since);
}

std::string downtime_suffix(os::Clock& clock, const StoppedSince& since) {
    return since ? ", production stopped for " + ui::duration(downtime(clock, since)) : "";
}

std::string downtime_sentence(os::Clock& clock, const StoppedSince& since) {
    const auto lasted = downtime(clock, since);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lasted).count();
    return fmt::format("Production is stopped since {} (downtime so far {})",
                       ui::time(clock.wall_seconds() - seconds), ui::duration(lasted));
}

}  // namespace ft::migrate
