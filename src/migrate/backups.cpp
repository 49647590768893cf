#include "migrate/backups.h"

#include <fmt/format.h>

#include <utility>

#include "ft/base/error.h"
#include "ft/base/log.h"
#include "ft/database/database.h"
#include "ft/records/state_directory.h"

namespace ft::migrate {
namespace {

constexpr std::chrono::minutes kFresh{5};

void remove_quietly(os::Directory& directory, const std::string& name) {
    try {
        os::remove_all(directory, name);
    } catch (const base::Error& error) {
        base::log_warning("{}", error.what());  // the next start removes it
    }
}

}  // namespace

Backup::Backup(os::Machine& machine, const system::Description& system, os::Directory& parent,
               std::string name, base::Cancellation& cancellation, const BackupProgress& progress)
    : parent_{parent}, name_{std::move(name)}, root_{os::make_directories(parent, name_)} {
    try {
        for (const auto& database : system.databases) {
            const std::string directory = fmt::format("db{}", databases_.size());
            root_->create_directory(directory);
            const auto report = [&](std::uint64_t done, std::uint64_t expected) {
                progress(database.name, done, expected);
            };
            databases_.push_back(database::make_backup(
                {&machine, &system, &database}, *root_->open_directory(directory), cancellation, report));
            databases_.back().module_directory = directory;
        }
    } catch (...) {
        remove_quietly(parent_, name_);
        throw;
    }
}

Backup::~Backup() { remove_quietly(parent_, name_); }

std::uint64_t Backup::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& database : databases_) sum += database.dump_bytes;
    return sum;
}

Backups::Backups(os::Machine& machine, const system::Description& system, os::Directory& state)
    : machine_{machine}, system_{system}, state_{state} {
    directory_ = os::make_directories(state_, records::kSourceBackups);
}

Backups::~Backups() {
    current_.reset();
    remove_quietly(state_, records::kSourceBackups);
}

void Backups::run_hooks_before(const HookFacts& facts, base::Cancellation& cancellation) {
    try {
        run_hooks(machine_, system_, Moment::before_backup, facts, cancellation);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::command) throw;
        // The source has no log to look into.
        throw base::Error{error.kind(), error.what(), "Run it by hand to see all that it says."};
    }
}

void Backups::make(const HookFacts& facts, base::Cancellation& cancellation, const BackupProgress& progress) {
    run_hooks_before(facts, cancellation);
    auto fresh = std::make_shared<const Backup>(machine_, system_, *directory_, std::to_string(++count_),
                                                cancellation, progress);
    const std::lock_guard lock{mutex_};
    current_ = std::move(fresh);
    made_ = machine_.clock().now();
    served_ = false;
}

std::shared_ptr<const Backup> Backups::for_run(const HookFacts& facts, base::Cancellation& cancellation,
                                               const BackupProgress& progress) {
    if (served_ || machine_.clock().now() - made_ > kFresh) make(facts, cancellation, progress);
    served_ = true;
    return current();
}

std::shared_ptr<const Backup> Backups::fresh(const HookFacts& facts, base::Cancellation& cancellation,
                                             const BackupProgress& progress) {
    make(facts, cancellation, progress);
    served_ = true;
    return current();
}

std::shared_ptr<const Backup> Backups::current() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

}  // namespace ft::migrate
