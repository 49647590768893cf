#pragma once

#include <memory>
#include <utility>

#include "ft/base/progress.h"
#include "ft/os/file.h"
#include "ft/rsync/pull.h"
#include "ft/staging/staging.h"
#include "ft/tree/listing.h"
#include "rsync/negotiation.h"
#include "rsync/requests.h"

namespace ft::rsync {

/// What generator and receiver of one pull share.
struct Session {
    const Setup& setup;
    const PullOptions& options;
    const tree::Listing& wanted;
    const os::Directory& live_root;
    staging::Staging& staging;
    Requests& requests;
    base::Progress& progress;

    base::RelPath path_of(std::int32_t index) const {
        return base::RelPath{wanted[static_cast<std::size_t>(index)].path};
    }
    /// The basis file for a wanted file, or null. `live`: there is a live file of that path. What an earlier
    /// pull of the run fetched is newer than any other.
    std::unique_ptr<const os::File> open_basis(const base::RelPath& path, bool live) const {
        if (auto earlier = staging.open_earlier(path)) return earlier;
        if (options.basis) return options.basis(path);
        return live ? live_root.open_file(path.bytes()) : nullptr;
    }
};

}  // namespace ft::rsync
