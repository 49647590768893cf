#pragma once

#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// What an earlier command left on this machine is finished or taken back, before anything else looks at it:
/// an unfinished commit or undo, services that are still stopped, an unfinished restore, a source's backups.
/// What was staged or fetched stays for the next run. Services that do not start, and what could not be
/// removed yet, are warned of. True when there was anything to do. Error recovery: a person is needed.
bool heal(os::Machine& machine, const system::Description& system, os::Directory& state,
          ui::Console& console);

}  // namespace ft::migrate
