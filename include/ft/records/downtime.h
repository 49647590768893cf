#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "ft/os/machine.h"

namespace ft::records {

/// When production was stopped; nothing while it goes on.
using StoppedSince = std::optional<std::chrono::steady_clock::time_point>;

/// How long it has been stopped; none while it goes on.
std::chrono::milliseconds downtime(os::Clock& clock, const StoppedSince& since);
/// That moment on the wall clock: "2026-07-14T22:10:05Z".
std::string stopped_at(os::Clock& clock, std::chrono::steady_clock::time_point since);
/// ", production stopped for 12 s", the end of a line of progress; empty while production goes on.
std::string downtime_suffix(os::Clock& clock, const StoppedSince& since);
/// "Production is stopped since 2026-07-14T22:10:05Z (downtime so far 3 min 05 s)", for the source's console.
std::string downtime_sentence(os::Clock& clock, std::chrono::steady_clock::time_point since);

}  // namespace ft::records
