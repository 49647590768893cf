#include "fetch/backup_pull.h"

#include <utility>

#include "fetch/metered.h"
#include "fetch/watched_stream.h"
#include "ft/base/error.h"
#include "ft/records/incoming_backup.h"
#include "ft/records/state_directory.h"
#include "ft/staging/names.h"

namespace ft::fetch {
namespace {

// Rows are small and scattered: a changed row should cost one small block, not the usual square root of the
// table's size (docs/architecture.md, "What is copied").
constexpr std::int32_t kBackupBlock = 1024;

}  // namespace

BackupPull::BackupPull(os::Machine& machine, const system::Description& system,
                       const system::Manifest& manifest, os::Directory& state)
    : state_{state},
      origin_{origin_of(manifest, system::kBackupModule)},
      accounts_{machine.accounts(system.root)},
      root_{os::make_directories(state, records::kIncomingBackup)} {}

bool BackupPull::run(const Route& route, checks::Space& space, const Compared& compared,
                     base::Cancellation& cancellation) {
    Metered metered{route, progress_, reach_, received_, sent_};
    WatchedStream watched{metered, route.policy, progress_, cancellation};
    if (!root_) root_ = os::make_directories(state_, records::kIncomingBackup);
    if (!staging_)
        staging_.emplace(*root_, staging::open_reserved(*root_), std::vector<staging::Generation>{}, origin_);
    if (std::exchange(used_, false)) staging_->begin_again();
    const staging::EarlierFiles taken = staging_->of_this_run().front();  // by attempts before this one
    reach_.staged(taken.bytes);
    std::unique_ptr<const os::Directory> last;
    if (state_.status(records::kLastBackup))
        last = std::as_const(state_).open_directory(records::kLastBackup);

    rsync::PullOptions options;
    options.module = system::kBackupModule;
    options.source_is_ft = true;  // it has proved the pairing code
    options.accounts = accounts_.get();
    options.block_length = kBackupBlock;
    options.compressions = route.policy.compressions();
    options.basis = [&](const base::RelPath& path) -> std::unique_ptr<const os::File> {
        const auto status = last ? last->status(path.bytes()) : std::nullopt;
        if (!status || status->type != base::FileType::regular) return nullptr;
        return last->open_file(path.bytes());
    };
    options.on_need = [&](const rsync::Need& need, const std::function<void()>& keep_alive) {
        space.book(*root_, "the backup", taken.bytes + need.bytes, taken.files + need.inodes);
        compared(keep_alive);
        used_ = true;
        watched.begin_content();
    };
    tree::Rules rules;
    rules.exclude_path(base::RelPath{staging::kReservedDirectory});
    try {
        add(rsync::pull(watched, *root_, rules, *staging_, options, progress_, cancellation), pulled_);
    } catch (const base::Error& error) {
        if (watched.turned() && error.kind() == base::ErrorKind::network) return false;
        throw error.on("backup");
    }
    metered.done();
    const staging::ChangeList staged = staging_->finish();
    staging_.reset();
    records::place_backup(*root_, staged);
    used_ = false;
    return true;
}

std::unique_ptr<os::Directory> BackupPull::directory(const system::DatabaseFacts& facts) {
    return root_->open_directory(facts.module_directory);
}

void BackupPull::keep() {
    os::remove_all(state_, records::kLastBackup);
    root_.reset();
    state_.rename(records::kIncomingBackup, state_, records::kLastBackup);
}

}  // namespace ft::fetch
