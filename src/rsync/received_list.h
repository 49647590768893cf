#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/progress.h"
#include "ft/os/machine.h"
#include "ft/tree/listing.h"
#include "ft/wire/file_list.h"
#include "ft/wire/reader.h"
#include "rsync/file_sums.h"
#include "rsync/received_extended.h"

namespace ft::rsync {

/// A sender's file list, sorted, owners as this machine has them.
struct ReceivedList {
    tree::Listing listing;
    std::optional<std::string>
        closed;     ///< the first directory whose content is not part of the list (mount points)
    FileSums sums;  ///< of the files, where they were asked for
    std::vector<std::string> unknown_owners;  ///< names that this machine does not know
    std::int32_t io_error = 0;
    std::unique_ptr<wire::EntryDecoder> decoder;  ///< has what `extended` refers to
    ReceivedExtended extended;                    ///< not in `listing` yet
    std::optional<tree::OwnerMap> owners;
};

/// Error peer for an illegal entry, one in the reserved directory, or more of them than fit into
/// `list_memory` bytes. Whether the list is a tree is not checked yet: a sender that could read nothing says
/// so first. `sums`: kind of the checksums that `options` say are there.
ReceivedList receive_list(wire::Reader& in, const wire::ListOptions& options, base::DigestKind sums,
                          std::uint64_t list_memory, const os::Accounts& accounts, base::Progress& progress);

}  // namespace ft::rsync
