#include <memory>

#include "ft/base/error.h"
#include "ft/migrate/migrate.h"
#include "ft/records/state_directory.h"
#include "ft/records/stopped_services.h"
#include "ft/system/description.h"
#include "migrate/heal.h"

namespace ft::migrate {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kBetweenTries{100};

/// Programs of the killed one hold its lock until they have ended, too.
std::unique_ptr<records::StateDirectory> wait_for_lock(os::Machine& machine,
                                                       const system::Description& system) {
    base::Cancellation never;
    const auto end = machine.clock().now() + kPatience;
    while (true) {
        try {
            return std::make_unique<records::StateDirectory>(machine, system,
                                                             "ft migrate --source, cleaning up,");
        } catch (const base::Error& error) {
            if (error.kind() != base::ErrorKind::busy || machine.clock().now() >= end) throw;
        }
        machine.clock().sleep(kBetweenTries, never);
    }
}

}  // namespace

std::vector<std::string> clean_up_after_source(os::Machine& machine, const SourceOptions& options,
                                               ui::Console& console) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    const auto state = wait_for_lock(machine, system);
    heal(machine, system, state->directory(), console);
    return records::StoppedServices{machine, state->directory(), console}.waiting();
}

}  // namespace ft::migrate
