#include "ft/fetch/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "fetch/backup_pull.h"
#include "fetch/connections_ahead.h"
#include "fetch/freeable.h"
#include "fetch/goodbyes.h"
#include "fetch/route.h"
#include "fetch/transfer_policy.h"
#include "fetch/tree_pull.h"
#include "fetch/turns.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/records/state_directory.h"
#include "ft/ui/format.h"
#include "ft/wire/compression.h"

namespace ft::fetch {
namespace {

// More would not be faster, and the source keeps few unproved connections.
constexpr std::size_t kAtOnce = 5;

}  // namespace

database::Access access_to(os::Machine& machine, const system::Description& system,
                           const system::DatabaseFacts& facts) {
    const auto found = std::find_if(system.databases.begin(), system.databases.end(),
                                    [&](const auto& database) { return database.name == facts.name; });
    return {&machine, &system, &*found};
}

Fetch::Fetch(os::Machine& machine, const system::Description& system, os::Directory& state,
             const Source& source, const Options& options, Presence& presence, ChangesHere& changes_here,
             Attempts& attempts, ui::Console& console)
    : machine_{machine},
      system_{system},
      state_{state},
      source_{source},
      max_delete_{options.max_delete},
      verify_content_{options.verify_content},
      presence_{presence},
      changes_here_{changes_here},
      attempts_{attempts},
      console_{console},
      policy_{std::make_unique<TransferPolicy>(machine.clock(), options.compress, options.rate)},
      goodbyes_{std::make_unique<Goodbyes>()},
      space_{[this] { return freeable(machine_, system_, state_); }} {}

Fetch::~Fetch() = default;

std::unique_ptr<transport::Connection> Fetch::connect(base::Cancellation& cancellation) const {
    return transport::connect(source_.machine.network(), source_.host, source_.port, source_.code,
                              transport::Purpose::rsync, source_.limits, cancellation);
}

void Fetch::connect_ahead() {
    const std::size_t pulls = system_.trees.size() + (system_.databases.empty() ? 0 : 1);
    ahead_ = std::make_unique<ConnectionsAhead>(
        machine_.clock(), std::min(kAtOnce, pulls),
        [this](base::Cancellation& cancellation) { return connect(cancellation); });
}

std::string Fetch::what(const system::Manifest& manifest) const {
    return ui::count(system_.trees.size(), "tree", "trees") +
           (manifest.databases.empty() ? "" : " and the database backup");
}

void Fetch::prepare(const system::Manifest& manifest, const HostFiles& host_files) {
    space_.begin_again();
    for (const auto& tree : trees_) tree->count_space_anew();
    if (!manifest.databases.empty() && !backup_)
        backup_ = std::make_unique<BackupPull>(machine_, system_, manifest, state_);
    turns_ = std::make_unique<Turns>(kAtOnce, system_.trees.size() + (backup_ ? 1 : 0));
    if (!trees_.empty()) return;
    for (const auto& tree : system_.trees)
        trees_.push_back(std::make_unique<TreePull>(machine_, system_, tree, manifest, state_, host_files,
                                                    changes_here_, console_));
}

void Fetch::presync(const system::Manifest& manifest, base::Cancellation& cancellation) {
    base::TaskGroup pulls{cancellation};
    if (!manifest.databases.empty()) {
        pulls.start("the backup", [&] {
            book_for_later(manifest, pulls.cancellation());
            pull_backup(pulls.cancellation());
            backup_->keep();  // the basis of the one that is made when production is stopped
        });
    }
    pull_trees(manifest.live, pulls);
    pulls.wait();
}

void Fetch::all(const system::Manifest& manifest, base::Cancellation& cancellation) {
    base::TaskGroup pulls{cancellation};
    if (!manifest.databases.empty()) {
        pulls.start("the backup", [&] {
            for (const auto& facts : manifest.databases) book_database(facts, pulls.cancellation());
            pull_backup(pulls.cancellation());
            for (const auto& facts : manifest.databases) restore(facts, pulls.cancellation());
        });
    }
    pull_trees(manifest.live, pulls);
    pulls.wait();
}

void Fetch::book_database(const system::DatabaseFacts& facts, base::Cancellation& cancellation) {
    const auto path = database::data_directory(access_to(machine_, system_, facts), cancellation);
    std::unique_ptr<const os::Directory> directory;
    try {
        if (path) directory = machine_.open_root_to_read(*path);
    } catch (const base::Error& error) {  // the server sees another file system than we do
        base::log_info("no space check for the database: {}", error.what());
    }
    if (directory) space_.book(*directory, "database " + base::escape(facts.name), facts.size, 0);
}

/// What does not fit must be known before production stops, not after.
void Fetch::book_for_later(const system::Manifest& manifest, base::Cancellation& cancellation) {
    std::uint64_t second_backup = 0;
    for (const auto& facts : manifest.databases) {
        book_database(facts, cancellation);
        second_backup += facts.dump_bytes;
    }
    // Otherwise the first backup takes the place of the last run's.
    if (!state_.status(records::kLastBackup)) space_.book(state_, "the second backup", second_backup, 0);
}

void Fetch::restore(const system::DatabaseFacts& facts, base::Cancellation& cancellation) {
    console_.say(fmt::format("Restoring database {}.", base::escape(facts.name)));
    const database::Access access = access_to(machine_, system_, facts);
    const int jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
    swaps_.push_back(
        database::restore(access, facts, *backup_->directory(facts), state_, jobs, cancellation));
    for (const auto& kept : database::keep_rows(access, cancellation))
        kept_rows_.push_back({"rows", fmt::format("{}: {}", kept.rule, ui::count(kept.rows, "row", "rows"))});
}

void Fetch::pull_trees(bool live, base::TaskGroup& pulls) {
    for (std::size_t number = 0; number < trees_.size(); ++number) {
        pulls.start("tree " + trees_[number]->name(), [this, number, live, &pulls] {
            until_done(
                [&](const Route& route, base::Cancellation& attempt) {
                    Turns::Turn turn{*turns_, attempt};
                    return trees_[number]->run(
                        route, live, verify_content_, max_delete_, space_,
                        [&](const auto& keep_alive) { turn.compared(number, keep_alive, attempt); }, attempt);
                },
                pulls.cancellation());
        });
    }
}

void Fetch::pull_backup(base::Cancellation& cancellation) {
    until_done(
        [&](const Route& route, base::Cancellation& attempt) {
            Turns::Turn turn{*turns_, attempt};
            return backup_->run(
                route, space_,
                [&](const auto& keep_alive) { turn.compared(trees_.size(), keep_alive, attempt); }, attempt);
        },
        cancellation);
}

void Fetch::until_done(const std::function<bool(const Route&, base::Cancellation&)>& pull,
                       base::Cancellation& cancellation) {
    Attempts::Outage outage;
    const Attempts::Pulling pulling{attempts_};
    for (;;) {
        const auto there = presence_.wait(cancellation);
        base::Cancellation attempt{cancellation};
        const auto hook = there->on_request([&] { attempt.request("the loss of the source"); });
        bool made_ahead = false;
        std::atomic<bool> heard{false};
        const Route route{.connect =
                              [&] {
                                  auto ready = ahead_ ? ahead_->take(attempt) : nullptr;
                                  made_ahead = ready != nullptr;
                                  return made_ahead ? std::move(ready) : connect(attempt);
                              },
                          .policy = *policy_,
                          .goodbyes = *goodbyes_,
                          .heard = heard};
        try {
            if (pull(route, attempt)) return;
            console_.say("Content comes slowly: what is left comes compressed.");
        } catch (const base::Error& error) {
            cancellation.check();
            const bool ended_with_source =
                error.kind() == base::ErrorKind::network || error.kind() == base::ErrorKind::cancelled;
            if (there->requested() && ended_with_source) continue;
            // It was lost while nobody used it: that is no loss to the pull, which needs another one.
            if (made_ahead && !heard && error.kind() == base::ErrorKind::network) continue;
            attempts_.set_fetched(progress().sum());
            attempts_.pause(outage, error, cancellation);
        }
    }
}

Progress Fetch::progress() const {
    Progress sum;
    const auto add = [&](const base::Progress& progress) {
        sum.bytes_done += progress.bytes_done;
        sum.bytes_wanted += progress.bytes_wanted;
        sum.files_done += progress.files_done;
        sum.bytes_checked += progress.bytes_checked;
        sum.bytes_verified += progress.bytes_verified;
    };
    for (const auto& tree : trees_) {
        add(tree->progress());
        sum.reached += tree->reached();
    }
    if (backup_) {
        add(backup_->progress());
        sum.reached += backup_->reached();
    }
    return sum;
}

std::vector<commit::TreeChanges> Fetch::finish(HostFiles& host_files) {
    const auto of_host = host_files.stage(trees_, state_);
    std::vector<commit::TreeChanges> all;
    for (const auto& tree : trees_) {
        auto changes = tree->finish();
        std::move(changes.begin(), changes.end(), std::back_inserter(all));
    }
    if (of_host) all.push_back(*of_host);
    return all;
}

void Fetch::sync() {
    for (const auto& tree : trees_) tree->staging().sync();
}

void Fetch::tell(const system::Manifest& manifest, Report& report) const {
    for (const auto& tree : trees_) {
        const rsync::Pulled& pulled = tree->pulled();
        report.trees.push_back({tree->name(), pulled.listed.entries, pulled.listed.bytes,
                                tree->progress().bytes_literal,  // of attempts that were broken off too
                                pulled.vanished, tree->progress().files_adopted,
                                tree->progress().bytes_adopted, pulled.verified_files, pulled.differing_files,
                                tree->counts()});
        report.bytes_received += tree->bytes_received();
        report.bytes_sent += tree->bytes_sent();
        const auto warn = [&](const std::string& text) {
            report.warnings.push_back(fmt::format("tree {}: {}", tree->name(), text));
            console_.warn(report.warnings.back());
        };
        for (const std::string& owner : pulled.unknown_owners)
            warn(owner + " is not known here: its number is kept");
        for (const std::string& warning : pulled.warnings) warn(warning);
    }
    for (const auto& facts : manifest.databases) {
        DatabaseReport database{facts.name, facts.row_counts.size(), 0, facts.dump_bytes};
        for (const auto& [table, rows] : facts.row_counts) database.rows += rows;
        report.databases.push_back(database);
    }
    report.compression =
        wire::name_of(policy_->is_compressed() ? wire::Compression::zstd : wire::Compression::none);
    report.kept.insert(report.kept.end(), kept_rows_.begin(), kept_rows_.end());
    if (backup_) {
        report.backup_bytes_literal = backup_->progress().bytes_literal;
        report.bytes_received += backup_->bytes_received();
        report.bytes_sent += backup_->bytes_sent();
    }
}

void Fetch::wait_for_goodbyes() { goodbyes_->wait(std::chrono::seconds{1}); }

void Fetch::let_go() {
    for (const auto& tree : trees_) tree->let_go();
}

void Fetch::keep_backup() {
    if (backup_) backup_->keep();
}

void Fetch::end() {
    ahead_.reset();
    trees_.clear();
    backup_.reset();
}

}  // namespace ft::fetch
