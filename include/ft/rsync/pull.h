#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/bytes.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/base/rel_path.h"
#include "ft/os/machine.h"
#include "ft/rsync/serve.h"
#include "ft/staging/staging.h"
#include "ft/tree/listing.h"
#include "ft/tree/rules.h"
#include "ft/tree/scan.h"
#include "ft/wire/compression.h"
#include "ft/wire/greeting.h"

namespace ft::rsync {

/// What the comparison found, before the first file is requested.
struct Need {
    struct Room {
        std::uint64_t bytes = 0;
        std::uint64_t inodes = 0;
    };
    std::uint64_t bytes = 0;  ///< to be staged; what an earlier pull has staged takes no further room
    std::uint64_t inodes = 0;
    std::vector<Room> grounds;   ///< of these, what lies on each ground of the staging
    std::uint64_t removals = 0;  ///< tops of what goes
    std::uint64_t live_entries = 0;
    // Regular files that rules do not hide:
    std::uint64_t listed_files = 0;   ///< by the source
    std::uint64_t live_files = 0;     ///< here now
    std::uint64_t removed_files = 0;  ///< of these: nothing, or no regular file, will have their path
    tree::ChangedSince changed;       ///< of the live tree, since PullOptions::changed_since
};

struct PullOptions {
    std::string module;
    std::optional<Credentials> credentials;
    /// The source is ft: all that comes before the file list is said at once, as its answers are known
    /// (not with credentials: they answer a challenge). What it says behind its last answer is not waited
    /// for, as nothing follows from it: when the pull has returned, the caller reads the stream to its end
    /// before closing it, or the source takes the connection for lost.
    bool source_is_ft = false;
    /// The source's production goes on: files may vanish or grow while they are read.
    bool live = false;
    /// Block length for every basis file, in bytes; 0: by size (wire::short_block). Small blocks get strong
    /// checksums long enough.
    std::int32_t block_length = 0;
    /// Every file on both sides is read and compared by its whole-file checksum (rsync's -c), not by size and
    /// time. Only content that differs is fetched.
    bool verify_content = false;
    /// What content is checked with, in the order of wire::checksums(); a source of old takes md5.
    std::vector<base::DigestKind> checksums{wire::checksums().begin(), wire::checksums().end()};
    /// What may compress literal bytes, in the order of wire::compressions(); empty: nothing. A source of old
    /// takes zlib.
    std::vector<wire::Compression> compressions{};
    /// Memory that the source's file list may take, in bytes, about.
    std::uint64_t list_memory = std::uint64_t{2} << 30;
    const os::Accounts* accounts = nullptr;  ///< of this machine; needed
    /// What was changed here since then is counted while the live tree is read.
    std::optional<base::Timestamp> changed_since{};
    /// The basis file for a wanted file; null: none. Default: the live file of that path. Called from two
    /// threads, and twice a file: once for its checksums, once for its blocks.
    std::function<std::unique_ptr<const os::File>(const base::RelPath&)> basis;
    /// Called once when all is compared; throws to end the pull before anything is staged or requested. The
    /// source waits meanwhile: who takes long calls the second argument, which shows it life, before it
    /// gives up. On this thread; Error network.
    std::function<void(const Need&, const std::function<void()>&)> on_need;
};

struct Pulled {
    tree::Totals listed;
    std::uint64_t vanished = 0;         ///< listed and gone when asked for (live sources only)
    std::vector<std::string> warnings;  ///< what the source said of files that vanished or changed, first ten
    std::uint64_t bytes_literal = 0;
    std::uint64_t bytes_matched = 0;
    std::uint64_t adopted_files = 0;  ///< not asked for: an earlier run had staged them
    std::uint64_t adopted_bytes = 0;
    std::uint64_t verified_files = 0;  ///< with verify_content: listed files that were compared with one here
    std::uint64_t differing_files = 0;        ///< of these: same size and time, other content
    std::vector<std::string> unknown_owners;  ///< names that this machine does not know
};

/// Pulls a module of an rsync daemon (ours or a stock one, protocol 30 to 32) into `staging`, so that its
/// list of changes turns the live tree `live` into the module's tree; what `rules` exclude is not touched.
/// The caller finishes the staging. Files that earlier pulls have staged are adopted where size and time fit,
/// and are basis files where they do not; of one that came in part only the rest is fetched. The staging's
/// grounds tell what is mounted in `live` and part of the tree. Success means: list complete,
/// every wanted object staged, every whole-file checksum equal. Errors: peer (it broke the protocol, or says
/// that it could not read something), corrupt (a file whose checksum does not fit in its last try), network,
/// io, no_space, unfit (mount points or pinned directories in the way), cancelled. On any error the stream is
/// shut down.
Pulled pull(base::Stream& stream, const os::Directory& live, const tree::Rules& rules,
            staging::Staging& staging, const PullOptions& options, base::Progress& progress,
            base::Cancellation& cancellation);

}  // namespace ft::rsync
