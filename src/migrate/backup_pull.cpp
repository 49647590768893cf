#include <utility>

#include "ft/base/error.h"
#include "ft/staging/names.h"
#include "ft/staging/staging.h"
#include "migrate/pull.h"
#include "migrate/state_directory.h"

namespace ft::migrate {
namespace {

// Rows are small and scattered: a changed row should cost one small block, not the usual square root of the
// table's size (docs/architecture.md, "What is copied").
constexpr std::int32_t kBackupBlock = 1024;

}  // namespace

void add(rsync::Pulled pulled, rsync::Pulled& sum) {
    pulled.vanished += sum.vanished;
    pulled.bytes_literal += sum.bytes_literal;
    pulled.bytes_matched += sum.bytes_matched;
    pulled.adopted_files += sum.adopted_files;
    pulled.adopted_bytes += sum.adopted_bytes;
    sum = std::move(pulled);
}

BackupPull::BackupPull(os::Machine& machine, const system::Description& system, os::Directory& state)
    : state_{state},
      accounts_{machine.accounts(system.root)},
      root_{os::make_directories(state, kIncomingBackup)} {}

void BackupPull::run(const Source& source, checks::Space& space, base::Cancellation& cancellation) {
    if (!root_) root_ = os::make_directories(state_, kIncomingBackup);
    staging::Staging staging{*root_, staging::open_reserved(*root_)};
    const auto connection =
        transport::connect(source.machine.network(), source.host, source.port, source.code,
                           transport::Purpose::rsync, source.limits, cancellation);
    std::unique_ptr<const os::Directory> last;
    if (state_.status(kLastBackup)) last = std::as_const(state_).open_directory(kLastBackup);

    rsync::PullOptions options;
    options.module = system::kBackupModule;
    options.accounts = accounts_.get();
    options.block_length = kBackupBlock;
    options.basis = [&](const base::RelPath& path) -> std::unique_ptr<const os::File> {
        const auto status = last ? last->status(path.bytes()) : std::nullopt;
        if (!status || status->type != base::FileType::regular) return nullptr;
        return last->open_file(path.bytes());
    };
    options.on_need = [&](const rsync::Need& need) {
        space.book(*root_, "the backup", need.bytes, need.inodes);
    };
    tree::Rules rules;
    rules.exclude_path(base::RelPath{staging::kReservedDirectory});
    try {
        add(rsync::pull(*connection, *root_, rules, staging, options, progress_, cancellation), pulled_);
    } catch (const base::Error& error) {
        throw error.on("backup");
    }
    received_ += connection->bytes_received();
    sent_ += connection->bytes_sent();
    // Nobody else looks at this directory: no journal is needed to fill it.
    const staging::ChangeList staged = staging.finish();
    for (const staging::Change& change : staged.changes) {
        if (change.kind != staging::ChangeKind::place) continue;
        root_->rename(staging::slot_path(staged.generation, change.slot), *root_, change.path.bytes());
    }
    staging::free_staged(*root_);
}

std::unique_ptr<os::Directory> BackupPull::directory(const system::DatabaseFacts& facts) {
    return root_->open_directory(facts.module_directory);
}

void BackupPull::keep() {
    os::remove_all(state_, kLastBackup);
    root_.reset();
    state_.rename(kIncomingBackup, state_, kLastBackup);
}

}  // namespace ft::migrate
