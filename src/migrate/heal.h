#pragma once

#include <string>

#include "ft/base/cancellation.h"
#include "ft/base/outcome.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// What heal had to do.
struct Healed {
    bool anything = false;                             ///< there was something to do
    base::Outcome outcome = base::Outcome::unchanged;  ///< of the commit or undo that was finished
    std::string run_id{};                              ///< of its run
};
/// What an earlier command left on this machine is finished or taken back, before anything else looks at it:
/// an unfinished commit or undo, services that are still stopped, an unfinished restore, a source's backups.
/// What was staged or fetched stays for the next run. Services that do not start, and what could not be
/// removed yet, are warned of. Error recovery: a person is needed.
Healed heal(os::Machine& machine, const system::Description& system, os::Directory& state,
            ui::Console& console);
/// The same of a command that can be interrupted, which this cannot: it says so.
Healed heal(os::Machine& machine, const system::Description& system, os::Directory& state,
            ui::Console& console, base::Cancellation& cancellation);

}  // namespace ft::migrate
