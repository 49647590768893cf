#include "migrate/host.h"

#include <fmt/format.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/base/task_group.h"
#include "ft/checks/ground.h"
#include "ft/database/database.h"
#include "ft/staging/names.h"
#include "ft/system/accounts.h"
#include "ft/system/host_settings.h"
#include "ft/system/machine_id.h"
#include "ft/ui/format.h"
#include "migrate/downtime.h"
#include "migrate/ticker.h"

namespace ft::migrate {

Host::Host(os::Machine& machine, const system::Description& system, Backups& backups, Traffic& traffic,
           bool allow_final, std::optional<rsync::Credentials> credentials, ui::Console& console)
    : machine_{machine},
      system_{system},
      backups_{backups},
      traffic_{traffic},
      allow_final_{allow_final},
      credentials_{std::move(credentials)},
      console_{console},
      accounts_{machine.accounts(system.root)} {
    for (const auto& tree : system.trees) {
        ServedTree served{&tree,
                          system::rules_of(system, tree, {}, {std::string{staging::kReservedDirectory}})};
        served.device = machine.open_root_to_read(system.below_root(tree.path))->status(".")->device;
        trees_.push_back(std::move(served));
    }
}

std::unique_ptr<const os::Directory> Host::open_root(const ServedTree& tree) const {
    const std::string path = system_.below_root(tree.description->path);
    auto root = machine_.open_root_to_read(path);
    if (root->status(".")->device != tree.device) {
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("{}: is on another file system than when the source was started", base::escape(path)),
            "Mount it again, or start the source again."};
    }
    return root;
}

void Host::handle(transport::Connection& connection, base::Cancellation& cancellation) {
    try {
        if (connection.purpose() == transport::Purpose::control) {
            converse(connection, cancellation);
        } else {
            serve(connection, cancellation);
        }
    } catch (const base::Error& error) {
        // What the end of a run, or of the source, interrupted is no news.
        const bool interrupted = cancellation.requested() || error.kind() == base::ErrorKind::cancelled;
        if (!interrupted) console_.warn(fmt::format("{}: {}", connection.peer(), error.what()));
    }
}

void Host::converse(transport::Connection& connection, base::Cancellation& cancellation) {
    control::Channel channel{connection};
    const auto first = channel.receive();
    if (!first) return;
    const auto* begin = std::get_if<control::Begin>(&*first);
    if (begin == nullptr)
        throw base::Error{base::ErrorKind::peer, "the conversation does not begin with a run"};
    const std::unique_lock only{one_run_, std::try_to_lock};
    std::string refusal;
    if (!only) refusal = "the source serves another destination already";
    if (begin->format != system::kFormatVersion) {
        refusal = fmt::format("the source is ft {}, the destination ft {}: install the same version on both",
                              FT_VERSION, begin->ft_version);
    }
    if (refusal.empty() && begin->final_run && traffic_.live() && !allow_final_) {
        refusal =
            "it was not started with --allow-final: start it so, or with --stop-traffic, for a final run";
    }
    if (refusal.empty()) {
        run(channel, *begin, connection.peer(), cancellation);
    } else {
        channel.send(control::Failure{refusal, false});
        console_.warn(fmt::format("{}: refused: {}", connection.peer(), refusal));
    }
    connection.finish_writing();
}

/// The channel of the run that goes on, for say_goodbye.
class Host::Current {
public:
    Current(Host& host, control::Channel& channel) : host_{host} { set(&channel); }
    ~Current() { set(nullptr); }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;

private:
    void set(control::Channel* channel) {
        const std::lock_guard lock{host_.channel_mutex_};
        host_.channel_ = channel;
    }

    Host& host_;
};

/// What the destination of a run has asked for and got.
struct Host::RunState {
    std::atomic<bool> ready{false};
    bool stop_asked = false;
};

void Host::run(control::Channel& channel, const control::Begin& begin, const std::string& peer,
               base::Cancellation& cancellation) {
    const Current current{*this, channel};
    console_.say(fmt::format("{}: run {} begins", peer, begin.run_id));
    console_.event("run_started", {{"run_id", begin.run_id}, {"peer", peer}});
    const Ticker alive{kAliveInterval, [&] { channel.send(control::Alive{}); }};
    // Beside the reading, so that a destination that leaves does not keep the backup going for nothing.
    base::TaskGroup tasks{cancellation};
    RunState state;
    tasks.start("the backup", [&] {
        prepare(channel, begin, state, tasks.cancellation(), [&](auto& until, const auto& progress) {
            return backups_.for_run(facts(begin), until, progress);
        });
    });
    listen(channel, begin, peer, [&] {
        require_stop(channel, begin, state);
        console_.say(fmt::format("{}: its final run asks to stop production.", peer));
        tasks.start("the stop", [&] {
            prepare(channel, begin, state, tasks.cancellation(), [&](auto& until, const auto& progress) {
                // All of it or nothing, also when the destination leaves meanwhile.
                traffic_.stop(console_, cancellation);
                until.check();
                return backups_.fresh(facts(begin), until, progress);
            });
        });
    });
    tasks.cancellation().request("the end of the run");
    end_transfers();
    try {
        tasks.wait();
    } catch (const base::Error&) {
        tell_downtime(peer);
        throw;
    }
    tell_downtime(peer);
}

HookFacts Host::facts(const control::Begin& begin) const {
    return {.run_id = begin.run_id, .phase = system::phase_of(traffic_.live())};
}

void Host::require_stop(control::Channel& channel, const control::Begin& begin, RunState& state) {
    std::string wrong;
    if (!begin.final_run) {
        wrong = "in a run that did not begin as a final one";
    } else if (!state.ready) {
        wrong = "before the backup was ready";
    } else if (std::exchange(state.stop_asked, true)) {
        wrong = "twice";
    } else if (!traffic_.live()) {
        wrong = "although it is stopped";
    }
    if (wrong.empty()) return;
    const base::Error error{base::ErrorKind::peer, "the destination asks to stop production " + wrong};
    channel.send(control::Failure{error.what(), false});
    throw error;
}

void Host::tell_downtime(const std::string& peer) {
    const StoppedSince since = traffic_.stopped_since();
    if (!since) return;
    console_.say(fmt::format("{}: {}. It stays stopped until ft ends here.", peer,
                             downtime_sentence(machine_.clock(), *since)));
}

void Host::prepare(control::Channel& channel, const control::Begin& begin, RunState& state,
                   base::Cancellation& cancellation, const MakeBackup& make) {
    const auto tell = [&](const std::string& database, std::uint64_t done, std::uint64_t expected) {
        try {
            channel.send(control::BackupProgress{database, done, expected});
        } catch (const base::Error&) {  // who reads the channel finds out why
        }
    };
    try {
        for (const ServedTree& tree : trees_) open_root(tree);
        checks::require_ground(machine_, system_);
        const auto backup = make(cancellation, tell);
        state.ready = true;
        channel.send(control::Ready{manifest(*backup, begin, cancellation)});
    } catch (const base::Error& error) {
        if (!cancellation.requested()) channel.send(control::Failure{error.what(), false});
        throw;
    }
}

/// Until the destination has said how the run ended, or is gone.
void Host::listen(control::Channel& channel, const control::Begin& begin, const std::string& peer,
                  const std::function<void()>& stop_traffic) {
    std::string outcome = "unknown";
    std::string end = "the destination left without saying how it ended";
    try {
        while (const auto message = channel.receive()) {
            if (const auto* progress = std::get_if<control::RunProgress>(&*message)) {
                console_.progress(
                    fmt::format("{}: {}, {} of {}{}", peer, progress->phase, ui::bytes(progress->bytes_done),
                                ui::bytes(progress->bytes_wanted),
                                downtime_suffix(machine_.clock(), traffic_.stopped_since())),
                    {{"phase", progress->phase},
                     {"bytes_done", progress->bytes_done},
                     {"bytes_wanted", progress->bytes_wanted}});
            } else if (std::holds_alternative<control::StopTraffic>(*message)) {
                stop_traffic();
            } else if (const auto* result = std::get_if<control::Result>(&*message)) {
                outcome = base::name_of(result->outcome);
                end = result->message;
            } else if (const auto* failure = std::get_if<control::Failure>(&*message)) {
                outcome = base::name_of(base::Outcome::unchanged);
                end = "it failed there: " + failure->message;
            }
        }
    } catch (const base::Error& error) {
        if (outcome == "unknown") end = error.what();
    }
    console_.say(fmt::format("{}: run {} ended: {}", peer, begin.run_id, end));
    console_.event("run_ended", {{"run_id", begin.run_id}, {"peer", peer}, {"outcome", outcome}});
}

void Host::end_transfers() {
    const std::lock_guard lock{transfers_mutex_};
    for (transport::Connection* transfer : transfers_) transfer->shut_down();
}

system::Manifest Host::manifest(const Backup& backup, const control::Begin& begin,
                                base::Cancellation& cancellation) const {
    system::Manifest manifest;
    manifest.ft_version = FT_VERSION;
    manifest.system_name = system_.name;
    manifest.host_name = machine_.host_name();
    manifest.live = traffic_.live();
    manifest.machine = system::machine_digest(machine_, system_);
    if (system_.accounts)
        manifest.accounts = system::read_accounts(*machine_.open_root_to_read(system_.root));
    for (const auto& tree : system_.trees) {
        system::TreeFacts facts;
        facts.name = tree.name;
        facts.exclude = tree.exclude;
        manifest.trees.push_back(facts);
    }
    manifest.databases = backup.databases();
    // For this run, not for the backup: what another destination keeps may be something else.
    for (std::size_t i = 0; i < system_.databases.size(); ++i) {
        manifest.databases[i].kept =
            database::kept_facts({&machine_, &system_, &system_.databases[i]}, begin.keep_rows, cancellation);
    }
    manifest.public_hostname = database::public_hostname(machine_, system_, cancellation);
    return manifest;
}

/// A transfer while it goes on.
class Host::Listed {
public:
    Listed(Host& host, transport::Connection* transfer) : host_{host}, transfer_{transfer} {
        const std::lock_guard lock{host_.transfers_mutex_};
        if (transfer_ != nullptr) host_.transfers_.insert(transfer_);
    }
    ~Listed() {
        const std::lock_guard lock{host_.transfers_mutex_};
        host_.transfers_.erase(transfer_);
    }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

private:
    Host& host_;
    transport::Connection* transfer_;
};

void Host::serve(transport::Connection& connection, base::Cancellation& cancellation) {
    const auto backup = backups_.current();  // held until this client has it, whatever is made meanwhile
    rsync::ServeOptions options;
    options.accounts = accounts_.get();
    options.fill_random = [this](std::span<std::byte> into) { machine_.fill_random(into); };
    std::vector<std::unique_ptr<const os::Directory>> roots;
    for (const ServedTree& tree : trees_) {
        roots.push_back(open_root(tree));
        options.modules.push_back({tree.description->name, "tree " + tree.description->path,
                                   roots.back().get(), &tree.rules, traffic_.live(), tree.description->mounts});
    }
    if (!backup->databases().empty()) {
        options.modules.push_back(
            {system::kBackupModule, "database backup", &backup->root(), &no_rules_, false, {}});
    }
    const bool plain = connection.purpose() == transport::Purpose::plain_rsync;
    if (plain) options.credentials = credentials_;

    base::Progress progress;
    const Listed listed{*this, plain ? nullptr : &connection};
    const rsync::Served served = rsync::serve(connection, options, progress, cancellation);
    if (!served.refused.empty()) {
        console_.warn(fmt::format("{}: refused: {}", connection.peer(), served.refused));
    } else if (served.module.empty()) {
        console_.say(fmt::format("{}: listed the modules", connection.peer()));
    } else {
        console_.say(fmt::format("{}: {}: {} sent, {}", connection.peer(), served.module,
                                 ui::count(served.files_sent, "file", "files"),
                                 ui::bytes(served.bytes_literal)));
    }
    for (const std::string& failed : served.failed) console_.warn(failed);
}

void Host::say_goodbye() {
    const std::lock_guard lock{channel_mutex_};
    if (channel_ == nullptr) return;
    try {
        channel_->send(control::Failure{"the source was stopped", true});
    } catch (const base::Error& error) {
        base::log_info("the destination could not be told: {}", error.what());
    }
}

}  // namespace ft::migrate
