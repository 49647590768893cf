#pragma once

#include <memory>
#include <utility>

#include "ft/base/progress.h"
#include "ft/os/file.h"
#include "ft/rsync/pull.h"
#include "ft/staging/staging.h"
#include "ft/tree/listing.h"
#include "rsync/file_sums.h"
#include "rsync/joined_file.h"
#include "rsync/links.h"
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
    Links& links;
    const ContentCheck* check;  ///< null: size and time are believed
    base::Progress& progress;

    base::RelPath path_of(std::int32_t index) const {
        return base::RelPath{wanted[static_cast<std::size_t>(index)].path};
    }
    /// An earlier pull has staged that wanted file.
    bool can_adopt(std::size_t wanted_file) const {
        const tree::Item item = wanted[wanted_file];
        std::optional<staging::ContentSum> content;
        if (check != nullptr) content = {check->kind(), check->wanted(wanted_file)};
        return staging.can_adopt(base::RelPath{item.path}, item.object.size, item.object.attributes.mtime,
                                 content);
    }
    /// The basis file for a wanted file, or null. `live`: there is a live file of that path. What an earlier
    /// pull fetched is newer than any other.
    std::unique_ptr<const os::File> open_basis(const base::RelPath& path, bool live) const {
        staging::EarlierContent earlier = staging.open_earlier(path);
        auto basis = std::move(earlier.whole);
        if (!basis && options.basis) {
            basis = options.basis(path);
        } else if (!basis && live) {
            basis = live_root.open_file(path.bytes());
        }
        if (!earlier.part) return basis;
        return std::make_unique<JoinedFile>(std::move(earlier.part), std::move(basis));
    }
};

}  // namespace ft::rsync
