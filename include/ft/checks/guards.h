#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

/// What keeps a run from replacing the wrong server, or a tree by the ruins of one.
namespace ft::checks {

/// What a run would do to the regular files of a tree.
struct FilesOfTree {
    std::uint64_t listed = 0;   ///< at the source
    std::uint64_t live = 0;     ///< here now
    std::uint64_t removed = 0;  ///< of these
};

/// Error unfit when a tree that has files here would be left without any, or when more than `max_delete`
/// percent of its files would go and it has more than a hundred; never with 100 percent.
void require_few_removals(const FilesOfTree& files, unsigned max_delete);

/// The findings about who the source is: the same machine id on both sides.
std::vector<std::string> identity_findings(os::Machine& machine, const system::Description& system,
                                           const system::Manifest& manifest);

/// Error unfit when the source, named `host` and connected to as `peer`, has an address of this machine. Only
/// without --root: below one, two systems may share a machine.
void require_other_machine(os::Machine& machine, const system::Description& system, const std::string& host,
                           const std::string& peer, base::Cancellation& cancellation);

/// True when the public host name leads to this machine: its users are here already.
bool serves_public_name(os::Machine& machine, const system::Manifest& manifest,
                        base::Cancellation& cancellation);

}  // namespace ft::checks
