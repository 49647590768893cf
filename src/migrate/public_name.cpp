#include "migrate/public_name.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/checks/guards.h"

namespace ft::migrate {

void confirm_public_name(os::Machine& machine, const system::Manifest& manifest, bool yes,
                         ui::Console& console, base::Cancellation& cancellation) {
    if (!checks::serves_public_name(machine, manifest, cancellation)) return;
    const std::string& name = *manifest.public_hostname;
    if (yes) {
        throw base::Error{base::ErrorKind::unfit,
                          fmt::format("users reach this server as {}: it is in production already", name),
                          "If it shall be replaced all the same, run this on a terminal without --yes, which "
                          "asks; or let the name lead to the source again."};
    }
    const auto answer = console.ask(
        fmt::format("Users reach this server as {0}; type {0} to replace it all the same: ", name), false,
        cancellation);
    if (answer != name) throw base::Error{base::ErrorKind::cancelled, "not confirmed"};
}

}  // namespace ft::migrate
