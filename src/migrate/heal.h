#pragma once

#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// What an earlier run left on this machine is finished or taken back, before anything else looks at it: an
/// unfinished commit, services that are still stopped, an unfinished restore, a half-received backup, a
/// source's backups, what is staged. Services that do not start are warned of. Error recovery: a person is
/// needed.
void heal(os::Machine& machine, const system::Description& system, os::Directory& state,
          ui::Console& console);

}  // namespace ft::migrate
