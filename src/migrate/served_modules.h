#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/rsync/serve.h"
#include "ft/system/description.h"
#include "ft/transport/connection.h"
#include "ft/tree/rules.h"
#include "ft/ui/console.h"
#include "migrate/backups.h"
#include "migrate/traffic.h"

namespace ft::migrate {

/// The source's trees and its backup, as rsync modules. Any thread.
class ServedModules {
public:
    /// `credentials`: of plain rsync clients; nothing: there are none. The rest is referred to. Error io when
    /// a tree is not there.
    ServedModules(os::Machine& machine, const system::Description& system, Backups& backups, Traffic& traffic,
                  std::optional<rsync::Credentials> credentials, ui::Console& console);

    /// Error unfit when a tree is not on its file system any more.
    void require_there() const;
    /// Serves one client, until it has what it asked for, on a thread of its own, whose reads give way to
    /// those of production. Of a destination that was lost it is only said. Errors as require_there and
    /// rsync::serve.
    void serve(transport::Connection& connection, base::Cancellation& cancellation);
    /// Shuts down the connections of the run that goes on; plain rsync clients stay.
    void end_transfers();

private:
    class Listed;
    struct ServedTree {
        const system::TreeDescription* description;
        tree::Rules rules;
        std::uint64_t device = 0;  // of the file system that it lay on when it was checked
    };
    /// Opened afresh for each use: the tree may have been replaced meanwhile, and nothing is kept busy.
    std::unique_ptr<const os::Directory> open_root(const ServedTree& tree) const;

    os::Machine& machine_;
    const system::Description& system_;
    Backups& backups_;
    Traffic& traffic_;
    const std::optional<rsync::Credentials> credentials_;
    ui::Console& console_;
    const std::unique_ptr<os::Accounts> accounts_;
    const tree::Rules no_rules_;
    std::vector<ServedTree> trees_;
    std::mutex transfers_mutex_;                  // guards transfers_
    std::set<transport::Connection*> transfers_;  // of the run: they end with it
};

}  // namespace ft::migrate
