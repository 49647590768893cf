#include "migrate/host.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/staging/names.h"
#include "ft/system/host_settings.h"
#include "ft/ui/format.h"
#include "migrate/ticker.h"

namespace ft::migrate {
namespace {

constexpr std::chrono::seconds kAliveInterval{5};

}  // namespace

Host::Host(os::Machine& machine, const system::Description& system, Backups& backups, bool live,
           std::optional<rsync::Credentials> credentials, ui::Console& console)
    : machine_{machine},
      system_{system},
      backups_{backups},
      live_{live},
      credentials_{std::move(credentials)},
      console_{console},
      accounts_{machine.accounts(system.root)} {
    for (const auto& tree : system.trees) {
        trees_.push_back({&tree, machine.open_root_to_read(system.below_root(tree.path)),
                          system::rules_of(system, tree, {}, {std::string{staging::kReservedDirectory}})});
    }
}

void Host::handle(transport::Connection& connection, base::Cancellation& cancellation) {
    try {
        if (connection.purpose() == transport::Purpose::control) {
            converse(connection, cancellation);
        } else {
            serve(connection, cancellation);
        }
    } catch (const base::Error& error) {
        if (!cancellation.requested()) console_.warn(fmt::format("{}: {}", connection.peer(), error.what()));
    }
}

void Host::converse(transport::Connection& connection, base::Cancellation& cancellation) {
    control::Channel channel{connection};
    const auto first = channel.receive();
    if (!first) return;
    const auto* begin = std::get_if<control::Begin>(&*first);
    if (begin == nullptr)
        throw base::Error{base::ErrorKind::peer, "the conversation does not begin with a run"};
    try {
        const std::unique_lock only{one_run_, std::try_to_lock};
        if (!only) throw base::Error{base::ErrorKind::busy, "the source serves another destination already"};
        if (begin->format != system::kFormatVersion) {
            throw base::Error{
                base::ErrorKind::unfit,
                fmt::format("the source is ft {}, the destination ft {}: install the same version on both",
                            FT_VERSION, begin->ft_version)};
        }
        run(channel, *begin, connection.peer(), cancellation);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::network)
            channel.send(control::Failure{error.what(), cancellation.requested()});
        connection.finish_writing();
        throw;
    }
    connection.finish_writing();
}

void Host::run(control::Channel& channel, const control::Begin& begin, const std::string& peer,
               base::Cancellation& cancellation) {
    {
        const std::lock_guard lock{channel_mutex_};
        channel_ = &channel;
    }
    struct Forget {
        Host& host;
        ~Forget() {
            const std::lock_guard lock{host.channel_mutex_};
            host.channel_ = nullptr;
        }
    } const forget{*this};
    const Ticker alive{kAliveInterval, [&] { channel.send(control::Alive{}); }};

    console_.say(fmt::format("{}: run {} begins", peer, begin.run_id));
    console_.event("run_started", {{"run_id", begin.run_id}, {"peer", peer}});
    const auto backup = backups_.for_run(
        cancellation, [&](const std::string& database, std::uint64_t done, std::uint64_t expected) {
            channel.send(control::BackupProgress{database, done, expected});
        });
    channel.send(control::Ready{manifest(*backup)});
    bool told = false;
    while (const auto message = channel.receive()) {
        show(peer, *message);
        told = told || std::holds_alternative<control::Result>(*message) ||
               std::holds_alternative<control::Failure>(*message);
    }
    if (!told) console_.warn(fmt::format("{}: run {} ended without saying how", peer, begin.run_id));
}

void Host::show(const std::string& peer, const control::Message& message) {
    if (const auto* progress = std::get_if<control::RunProgress>(&message)) {
        console_.progress(fmt::format("{}: {}, {} of {}", peer, progress->phase,
                                      ui::bytes(progress->bytes_done), ui::bytes(progress->bytes_wanted)),
                          {{"phase", progress->phase},
                           {"bytes_done", progress->bytes_done},
                           {"bytes_wanted", progress->bytes_wanted}});
    } else if (const auto* result = std::get_if<control::Result>(&message)) {
        console_.say(fmt::format("{}: run {} ended: {}", peer, result->run_id, result->message));
        console_.event(
            "run_ended",
            {{"run_id", result->run_id}, {"peer", peer}, {"outcome", base::name_of(result->outcome)}});
    } else if (const auto* failure = std::get_if<control::Failure>(&message)) {
        console_.warn(fmt::format("{}: the run failed there: {}", peer, failure->message));
        console_.event("run_ended", {{"peer", peer}, {"outcome", base::name_of(base::Outcome::unchanged)}});
    }
}

system::Manifest Host::manifest(const Backup& backup) const {
    system::Manifest manifest;
    manifest.ft_version = FT_VERSION;
    manifest.system_name = system_.name;
    manifest.host_name = machine_.host_name();
    manifest.live = live_;
    for (const auto& tree : system_.trees) {
        system::TreeFacts facts;
        facts.name = tree.name;
        facts.exclude = tree.exclude;
        manifest.trees.push_back(facts);
    }
    manifest.databases = backup.databases();
    return manifest;
}

void Host::serve(transport::Connection& connection, base::Cancellation& cancellation) {
    const auto backup = backups_.current();  // held until this client has it, whatever is made meanwhile
    rsync::ServeOptions options;
    options.accounts = accounts_.get();
    options.fill_random = [this](std::span<std::byte> into) { machine_.fill_random(into); };
    for (const auto& tree : trees_) {
        options.modules.push_back(
            {tree.description->name, "tree " + tree.description->path, tree.root.get(), &tree.rules});
    }
    if (!backup->databases().empty()) {
        options.modules.push_back({system::kBackupModule, "database backup", &backup->root(), &no_rules_});
    }
    if (connection.purpose() == transport::Purpose::plain_rsync) options.credentials = credentials_;

    base::Progress progress;
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
