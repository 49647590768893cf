#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/migrate/here.h"
#include "ft/records/state_directory.h"
#include "ft/system/services.h"
#include "migrate/heal.h"

namespace ft::migrate {

void start_services(os::Machine& machine, const ServicesOptions& options, ui::Console& console,
                    base::Cancellation& cancellation) {
    constexpr system::Phase kPhase = system::Phase::final_run;  // the same services as after a final run
    const system::Description system = system::load(machine, options.system_file, options.root);
    records::StateDirectory state{machine, system, "ft start-services"};
    heal(machine, system, state.directory(), console);
    system::show_phase_to_units(machine, system.services, kPhase, cancellation);
    std::vector<std::string> failures;
    for (auto service = system.services.rbegin(); service != system.services.rend(); ++service) {
        const std::string name = base::escape(service->name);
        try {
            if (system::is_active(machine, *service, kPhase, cancellation)) {
                console.say(fmt::format("{}: is active.", name));
                continue;
            }
            system::start(machine, *service, kPhase, cancellation);
            console.say(fmt::format("{}: started.", name));
        } catch (const base::Error& error) {
            if (error.kind() == base::ErrorKind::cancelled) throw;
            failures.emplace_back(error.what());
        }
    }
    if (failures.empty()) return;
    const base::Error error{
        base::ErrorKind::command,
        failures.size() == 1 ? failures.front() : fmt::format("{} services do not start", failures.size()),
        "Mend the cause, then run the same command again."};
    throw failures.size() == 1 ? error : error.with_details(failures);
}

}  // namespace ft::migrate
