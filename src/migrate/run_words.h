#pragma once

#include <string>

#include "ft/base/cancellation.h"
#include "ft/fetch/fetch.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::migrate {

// What a run at the destination says to the admin.

/// "This is a rehearsal: production goes on at old." `final_run`: it was asked to be final.
std::string phase_sentence(const system::Manifest& manifest, bool final_run);

/// What the run replaces here, a tree or database a line, with the size that a database has now. Errors:
/// database, cancelled.
std::string replaced_here(os::Machine& machine, const system::Description& system,
                          const system::Manifest& manifest, base::Cancellation& cancellation);

/// "Fetched 1.2 GB of 4.0 GB, 12 files".
std::string progress_line(const fetch::Progress& now);

}  // namespace ft::migrate
