#pragma once

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/manifest.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// Where the system's public host name leads to this machine, users are here already: asks whether it shall
/// be replaced all the same. Error unfit with `yes`, which answers no such question; cancelled when the
/// answer is another.
void confirm_public_name(os::Machine& machine, const system::Manifest& manifest, bool yes,
                         ui::Console& console, base::Cancellation& cancellation);

}  // namespace ft::migrate
