#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/os/machine.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "migrate/hooks.h"

namespace ft::migrate {

/// Hears how far a backup is; `expected` is a guess.
using BackupProgress =
    std::function<void(const std::string& database, std::uint64_t done, std::uint64_t expected)>;

/// One dump of all databases, served as a module; its files go with the last one that uses it.
class Backup {
public:
    /// Dumps each database of `system` into a directory of its own below `parent`/`name`.
    Backup(os::Machine& machine, const system::Description& system, os::Directory& parent, std::string name,
           base::Cancellation& cancellation, const BackupProgress& progress);
    ~Backup();
    Backup(const Backup&) = delete;
    Backup& operator=(const Backup&) = delete;

    const os::Directory& root() const { return *root_; }
    const std::vector<system::DatabaseFacts>& databases() const { return databases_; }
    std::uint64_t bytes() const;

private:
    os::Directory& parent_;
    const std::string name_;
    std::unique_ptr<os::Directory> root_;
    std::vector<system::DatabaseFacts> databases_;
};

/// The source's backups: each run gets a fresh one when the last was served already or is older than five
/// minutes.
class Backups {
public:
    Backups(os::Machine& machine, const system::Description& system, os::Directory& state);
    /// Removes what is left.
    ~Backups();
    Backups(const Backups&) = delete;
    Backups& operator=(const Backups&) = delete;

    /// Makes one now, after the hooks for it; `facts` are what these are told.
    void make(const HookFacts& facts, base::Cancellation& cancellation, const BackupProgress& progress);
    /// The backup for a new run; one caller at a time.
    std::shared_ptr<const Backup> for_run(const HookFacts& facts, base::Cancellation& cancellation,
                                          const BackupProgress& progress);
    /// One that begins now, for a run; one caller at a time.
    std::shared_ptr<const Backup> fresh(const HookFacts& facts, base::Cancellation& cancellation,
                                        const BackupProgress& progress);
    /// The one that was made last. Any thread.
    std::shared_ptr<const Backup> current() const;

private:
    void run_hooks_before(const HookFacts& facts, base::Cancellation& cancellation);

    os::Machine& machine_;
    const system::Description& system_;
    os::Directory& state_;
    std::unique_ptr<os::Directory> directory_;
    mutable std::mutex mutex_;  // guards current_
    std::shared_ptr<const Backup> current_;
    std::chrono::steady_clock::time_point made_;
    bool served_ = false;
    unsigned count_ = 0;
};

}  // namespace ft::migrate
