#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/phase.h"

namespace ft::records {

/// The record of stopped services in the state directory (docs/architecture.md, "Stopped services").
inline constexpr const char* kStoppedServices = "stopped-services";
inline constexpr int kStoppedServicesVersion = 1;

enum class Side { source, destination };

/// How ft found a service, and what it has done to it.
enum class ServiceState {
    off,       ///< it was not active
    running,   ///< it was active, and is untouched
    stopping,  ///< it was active; its stop has begun, and may not have come to its end
    stopped,   ///< it was active; ft has stopped it
};

struct StoppedService {
    system::ServiceDescription service;  ///< in full: starting it again needs no system.json
    ServiceState state = ServiceState::off;
};

/// What must be started again, whoever comes to do it.
struct StoppedRecord {
    Side side = Side::source;
    std::string run_id{};  ///< of the destination's run; at the source empty
    system::Phase phase = system::Phase::rehearsal;
    bool committed = false;                  ///< the run is committed: all services are wanted
    std::vector<StoppedService> services{};  ///< in the order of stopping
    /// At the destination: of the last committed run, whose data is here until this one is committed.
    std::optional<system::Phase> phase_before{};
    bool taken_back = false;  ///< that run is taken back (phase_before is of what is here since)

    /// Whether it shall run when all is over: what ft stopped; after a commit every one, but in a rehearsal
    /// those that stay off then.
    bool wanted(const StoppedService& each) const;
    /// What services are told that start now.
    system::Phase phase_here() const { return committed ? phase : phase_before.value_or(phase); }
};

/// One line: checksum, space, JSON, newline.
std::string encode(const StoppedRecord& record);
/// Nothing when it is not exactly what encode wrote.
std::optional<StoppedRecord> decode(std::string_view text);

/// Durable on return.
void write_stopped(os::Directory& state, const StoppedRecord& record);
/// Nothing when there is none. Error recovery when it is damaged, or of another version.
std::optional<StoppedRecord> read_stopped(const os::Directory& state);
/// Durable on return.
void remove_stopped(os::Directory& state);

}  // namespace ft::records
