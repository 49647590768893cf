#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ft/os/machine.h"
#include "ft/system/description.h"

namespace ft::records {

/// The directory where ft keeps what a run must remember, locked for this process: one run a machine at a
/// time.
class StateDirectory {
public:
    /// Makes it where it is missing (0700). Error busy, saying who runs since when, while another run holds
    /// it. `command` is what this one is: "ft migrate --source".
    StateDirectory(os::Machine& machine, const system::Description& system, const std::string& command);
    /// Lets go; a directory that was made here and is empty again goes too.
    ~StateDirectory();
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;

    os::Directory& directory() { return *directory_; }
    const std::string& path() const { return path_; }

private:
    os::Machine& machine_;
    const std::string path_;
    std::vector<std::string> made_;
    std::unique_ptr<os::Lock> lock_;
    std::unique_ptr<os::Directory> directory_;
};

// Names in the state directory, besides the journal (commit), the unfinished restores (database)
// and the stopped services (stopped_record.h).
inline constexpr const char* kRunningFile = "running";  // who holds the lock, for the message of another run
inline constexpr const char* kSourceBackups = "source-backups";    // the source's dumps, one directory each
inline constexpr const char* kIncomingBackup = "incoming-backup";  // the destination's dump while it comes
inline constexpr const char* kLastBackup =
    "last-backup";  // the dump of the last committed run, or of a final run's first pull: basis of the next
inline constexpr const char* kLastRun = "last-run";  // what this machine was after the last committed run
inline constexpr const char* kIncomingRun = "incoming-run";  // the same of a run before it is committed
inline constexpr const char* kMadeRoots = "made-roots";      // directories made for trees (tree_roots.h)
inline constexpr const char* kReports = "reports";
inline constexpr const char* kLogs = "logs";

}  // namespace ft::records
