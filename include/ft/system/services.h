#pragma once

#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/phase.h"

namespace ft::system {

// A service by its unit (systemctl) or by its own three programs. Each program gets FT_PHASE and the
// service's timeout. Errors: command, naming service and action ("service app: start: exit status 1: ...");
// cancelled.

/// True when it runs, or would come back by itself (a unit that is starting or waits for its next try).
bool is_active(os::Machine& machine, const ServiceDescription& service, Phase phase,
               base::Cancellation& cancellation);
/// Returns when it has stopped. Error command too when it says that it did, but is active still.
void stop(os::Machine& machine, const ServiceDescription& service, Phase phase,
          base::Cancellation& cancellation);
/// Returns when it serves.
void start(os::Machine& machine, const ServiceDescription& service, Phase phase,
           base::Cancellation& cancellation);

/// Lets units that are started from now on see FT_PHASE; nothing to do where no service is a unit.
void show_phase_to_units(os::Machine& machine, const std::vector<ServiceDescription>& services, Phase phase,
                         base::Cancellation& cancellation);

/// What would keep services from being asked, stopped and started: a unit that systemd does not know, a
/// program that cannot be run. One line each; empty: fit. Nothing is changed.
std::vector<std::string> service_findings(os::Machine& machine,
                                          const std::vector<ServiceDescription>& services, Phase phase,
                                          base::Cancellation& cancellation);

}  // namespace ft::system
