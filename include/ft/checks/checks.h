#pragma once

#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::checks {

/// What was found out before anything is changed.
struct Checked {
    std::vector<std::string> findings;  ///< each would make the run fail later; one line, escaped
    std::vector<std::string> warnings;  ///< the run can go on, but the admin must know
};

/// The source: trees exist, are readable throughout, hold no other file system and stand on firm ground
/// (ground_findings); accounts that can be read; databases can be dumped; room for the backup; services that
/// can be stopped and started; the public host name stands where system.json says. `reserved` are names at a
/// tree's root that are never served.
Checked source(os::Machine& machine, const system::Description& system,
               const std::vector<std::string>& reserved, base::Cancellation& cancellation);

/// The destination, knowing the manifest: another machine than the source; the same trees and databases on
/// both sides, accounts on both or on none; what is mounted in trees as a part of them; databases that can be
/// restored here, with the rows that stay; services that can be stopped and started.
Checked destination(os::Machine& machine, const system::Description& system, const system::Manifest& manifest,
                    base::Cancellation& cancellation);

/// Error unfit with all findings as details, unless there are none.
void require_none(const Checked& checked);

}  // namespace ft::checks
