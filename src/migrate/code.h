#pragma once

#include <string>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/transport/pairing_code.h"
#include "ft/ui/console.h"

namespace ft::migrate {

/// First line of the small file at absolute `path`, without white space around it; nothing when there is no
/// such file. Error usage when others than its owner may read it.
std::optional<std::string> read_secret(os::Machine& machine, const std::string& path);

/// The source's code: that of `file`; a new one, written to `file` (0600) where the file is missing; a new
/// one when `file` is empty.
transport::PairingCode source_code(os::Machine& machine, const std::string& file);

/// The code as the admin gives it to the destination: from `file`, else FT_CODE (which no child will see),
/// else by a question. Error usage when there is no way to get it.
transport::PairingCode destination_code(os::Machine& machine, const std::string& file, ui::Console& console,
                                        base::Cancellation& cancellation);

}  // namespace ft::migrate
