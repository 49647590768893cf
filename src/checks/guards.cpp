#include "ft/checks/guards.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/system/machine_id.h"

namespace ft::checks {
namespace {

constexpr std::uint64_t kFewFiles = 100;           // of these, any share may go
constexpr std::chrono::seconds kResolverLimit{5};  // a resolver that is down keeps no run

/// "12,034"
std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

/// Rounded up, so that what is shown is what would have to be allowed.
std::uint64_t percent(std::uint64_t part, std::uint64_t whole) { return (part * 100 + whole - 1) / whole; }

bool is_own(const std::vector<std::string>& own, const std::string& address) {
    return std::find(own.begin(), own.end(), address) != own.end();
}

bool leads_here(os::Machine& machine, const std::string& host, base::Cancellation& cancellation) {
    const auto own = machine.network().own_addresses();
    const auto addresses = machine.network().addresses_of(host, kResolverLimit, cancellation);
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const std::string& address) { return is_own(own, address); });
}

}  // namespace

void require_few_removals(const FilesOfTree& files, unsigned max_delete) {
    if (max_delete >= 100 || files.live == 0) return;
    if (files.listed == 0) {
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("the source has no file in it, this run would remove all that are here ({})",
                        grouped(files.live)),
            "Check at the source that the tree is complete and mounted. If it shall be empty, add "
            "--max-delete 100."};
    }
    const std::uint64_t share = percent(files.removed, files.live);
    if (files.live <= kFewFiles || share <= max_delete) return;
    throw base::Error{
        base::ErrorKind::unfit,
        fmt::format("this run would remove {} of {} files ({} %), --max-delete allows {} %",
                    grouped(files.removed), grouped(files.live), share, max_delete),
        fmt::format("Check that the source's tree is complete. If these files shall go, add --max-delete {}.",
                    share)};
}

std::vector<std::string> identity_findings(os::Machine& machine, const system::Description& system,
                                           const system::Manifest& manifest) {
    const std::string own = system::machine_digest(machine, system);
    if (own.empty() || own != manifest.machine) return {};
    return {fmt::format(
        "{}: is the same here and at the source: one server is a copy of the other, or both are one; if this "
        "one is the copy, give it an id of its own: rm /etc/machine-id, then systemd-machine-id-setup, then "
        "start it again",
        base::escape(system.below_root("/etc/machine-id")))};
}

void require_other_machine(os::Machine& machine, const system::Description& system, const std::string& host,
                           const std::string& peer, base::Cancellation& cancellation) {
    if (system.root != "/") return;
    if (!is_own(machine.network().own_addresses(), peer) && !leads_here(machine, host, cancellation)) return;
    throw base::Error{base::ErrorKind::unfit, base::escape(host) + " is this machine",
                      "Run this on the new server, and name the old one."};
}

bool serves_public_name(os::Machine& machine, const system::Manifest& manifest,
                        base::Cancellation& cancellation) {
    return manifest.public_hostname && leads_here(machine, *manifest.public_hostname, cancellation);
}

}  // namespace ft::checks
