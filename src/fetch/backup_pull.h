#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "fetch/metered.h"
#include "fetch/pull.h"
#include "fetch/route.h"
#include "ft/base/cancellation.h"
#include "ft/base/progress.h"
#include "ft/checks/space.h"
#include "ft/os/machine.h"
#include "ft/rsync/pull.h"
#include "ft/staging/staging.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"

namespace ft::fetch {

/// The backup of a run at the destination: received whole into the state directory, with the last one as
/// basis.
class BackupPull {
public:
    BackupPull(os::Machine& machine, const system::Description& system, const system::Manifest& manifest,
               os::Directory& state);

    /// Fetches everything; afterwards directory() holds the dumps. Again only after keep(), or after a run
    /// that failed: then what is not here yet. Bytes add up. False: the policy turned, run it again.
    bool run(const Route& route, checks::Space& space, const Compared& compared,
             base::Cancellation& cancellation);
    /// The dump of one database.
    std::unique_ptr<os::Directory> directory(const system::DatabaseFacts& facts);
    /// From now on this backup is the last one.
    void keep();

    const rsync::Pulled& pulled() const { return pulled_; }
    const base::Progress& progress() const { return progress_; }
    std::uint64_t reached() const { return reach_.sum(); }
    std::uint64_t bytes_received() const { return received_; }
    std::uint64_t bytes_sent() const { return sent_; }

private:
    os::Directory& state_;
    const std::string origin_;  // of what is staged
    std::unique_ptr<os::Accounts> accounts_;
    std::unique_ptr<os::Directory> root_;
    std::optional<staging::Staging> staging_;  // from one attempt to the next
    bool used_ = false;                        // something may be staged since it began
    rsync::Pulled pulled_;
    base::Progress progress_;
    Reach reach_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace ft::fetch
