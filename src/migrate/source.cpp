#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/task_group.h"
#include "ft/checks/checks.h"
#include "ft/migrate/migrate.h"
#include "ft/records/state_directory.h"
#include "ft/staging/names.h"
#include "ft/system/description.h"
#include "ft/transport/connection.h"
#include "ft/ui/format.h"
#include "migrate/backups.h"
#include "migrate/code.h"
#include "migrate/heal.h"
#include "migrate/host.h"
#include "migrate/traffic.h"

namespace ft::migrate {
namespace {

std::optional<rsync::Credentials> plain_credentials(os::Machine& machine, const SourceOptions& options) {
    if (options.plain_user.empty()) return std::nullopt;
    const auto secret = read_secret(machine, options.plain_secret_file);
    if (!secret || secret->empty()) {
        throw base::Error{
            base::ErrorKind::usage,
            fmt::format("{}: no secret for plain rsync clients", base::escape(options.plain_secret_file)),
            "Write it as the first line of that file, mode 600."};
    }
    return rsync::Credentials{options.plain_user, *secret};
}

void check(os::Machine& machine, const system::Description& system, ui::Console& console,
           base::Cancellation& cancellation) {
    console.phase("check", fmt::format("Checking {}: {}, {}.", base::escape(system.name),
                                       ui::count(system.trees.size(), "tree", "trees"),
                                       ui::count(system.databases.size(), "database", "databases")));
    const checks::Checked checked =
        checks::source(machine, system, {std::string{staging::kReservedDirectory}}, cancellation);
    for (const std::string& warning : checked.warnings) console.warn(warning);
    checks::require_none(checked);
}

bool ask_to_stop(ui::Console& console, base::Cancellation& cancellation) {
    while (true) {
        const auto answer = console.ask(
            "\nStop production traffic while this runs?\n"
            "    no: for tests, and for all but the last of several runs; users go on working\n"
            "    yes: for the final run, after which users are sent to the new server\n"
            "yes or no: ",
            false, cancellation);
        if (!answer) throw base::Error{base::ErrorKind::cancelled, "not answered"};
        if (*answer == "yes" || *answer == "y") return true;
        if (*answer == "no" || *answer == "n") return false;
    }
}

base::Error not_started(const std::vector<std::string>& failures) {
    const base::Error error{base::ErrorKind::command,
                            failures.size() == 1
                                ? failures.front()
                                : fmt::format("{} services do not start again", failures.size()),
                            "Mend the cause and start it by hand, or by: ft start-services. Each start of ft "
                            "tries it again, too."};
    return failures.size() == 1 ? error : error.with_details(failures);
}

void make_backup(Backups& backups, const system::Description& system, const HookFacts& facts,
                 ui::Console& console, base::Cancellation& cancellation) {
    if (!system.databases.empty()) {
        console.phase("backup", facts.phase == system::Phase::rehearsal
                                    ? "Making the backup; users can go on working."
                                    : "Making the backup.");
    }
    backups.make(
        facts, cancellation, [&](const std::string& database, std::uint64_t done, std::uint64_t expected) {
            console.progress(fmt::format("Backup of {}: {} of about {}", base::escape(database),
                                         ui::bytes(done), ui::bytes(expected)),
                             {{"phase", "backup"}, {"bytes_done", done}, {"bytes_wanted", expected}});
        });
}

void announce(os::Machine& machine, const SourceOptions& options, std::uint16_t port,
              const transport::PairingCode& code, const Backup& backup, const Traffic& traffic,
              ui::Console& console) {
    const std::string port_suffix = port == 873 ? "" : fmt::format(":{}", port);
    const std::string address = machine.host_name() + port_suffix;
    if (!backup.databases().empty()) console.say(fmt::format("Backup made: {}.", ui::bytes(backup.bytes())));
    console.say(
        fmt::format("Listening on port {}, {}.", port,
                    options.listen.empty() ? "all addresses" : "address " + base::escape(options.listen)));
    console.say("\nOn the new server, type (its address for this one may be another):\n");
    console.say(fmt::format("    ft migrate --destination {}\n", address));
    if (options.code_file.empty()) {
        // To the console only: the code is never in ft's log.
        machine.terminal().write_error(fmt::format("Pairing code: {}\n\n", code.text()));
    } else {
        console.say(fmt::format("The pairing code is in {}.\n", base::escape(options.code_file)));
    }
    if (!options.plain_user.empty()) {
        console.say(fmt::format("Stock rsync clients: rsync rsync://{}@{}/\n",
                                base::escape(options.plain_user), address));
    }
    if (const auto since = traffic.stopped_since()) {
        console.say(fmt::format("Production traffic is stopped since {}, until this ends.",
                                records::stopped_at(machine.clock(), *since)));
    } else {
        console.say("Production traffic goes on: what runs now is a rehearsal.");
    }
    console.say("Ctrl-C ends this and leaves this system as it was.");
    console.event("ready", {{"port", port}});
}

/// Serves until `cancellation` is requested, then tells the destination before connections are closed.
void serve(transport::Listener& listener, Host& host, ui::Console& console,
           base::Cancellation& cancellation) {
    base::Cancellation closing;  // requested after the goodbye, not with the signal
    base::TaskGroup tasks{closing};
    std::mutex mutex;
    std::condition_variable changed;
    bool stop = false;
    const auto wake = [&] {
        const std::lock_guard lock{mutex};
        stop = true;
        changed.notify_all();
    };
    const auto interrupted = cancellation.on_request(wake);
    const auto failed = tasks.cancellation().on_request(wake);
    tasks.start("the listener", [&] {
        listener.run(
            [&](std::unique_ptr<transport::Connection> connection) {
                host.handle(*connection, tasks.cancellation());
            },
            [&](const std::string& peer, const std::string& why) {
                console.warn(fmt::format("{}: {}", peer, why));
            },
            tasks.cancellation());
    });
    {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return stop; });
    }
    host.say_goodbye();
    tasks.cancellation().request("the end of the source");
    tasks.wait();
}

}  // namespace

void source(os::Machine& machine, const SourceOptions& options, ui::Console& console,
            base::Cancellation& cancellation, SourceReport& report) {
    const system::Description system = system::load(machine, options.system_file, options.root);
    if (!options.stop_traffic && !console.can_ask()) {
        throw base::Error{base::ErrorKind::usage,
                          "whether production traffic stops is not said, and there is no terminal to ask",
                          "Add --keep-traffic for a test, or --stop-traffic for the final run."};
    }
    records::StateDirectory state{machine, system, "ft migrate --source"};
    // This machine may have been a destination before: an interrupted commit decides what it is.
    heal(machine, system, state.directory(), console, cancellation);

    Traffic traffic{machine, system, state.directory(), console};
    std::optional<Backups> backups;  // outlives what follows: users do not wait until it is removed
    std::optional<base::Error> failed;
    try {
        const auto credentials = plain_credentials(machine, options);
        const transport::PairingCode code = source_code(machine, options.code_file);
        // Bound before the work begins, so that a taken port is found at once; nobody is accepted before the
        // backup stands.
        transport::Listener listener{
            machine.network(), options.listen, options.port, code, credentials.has_value(), {}};
        check(machine, system, console, cancellation);
        if (options.stop_traffic ? *options.stop_traffic : ask_to_stop(console, cancellation))
            traffic.stop(console, cancellation);

        backups.emplace(machine, system, state.directory());
        make_backup(*backups, system, {.run_id = {}, .phase = system::phase_of(traffic.live())}, console,
                    cancellation);
        Host host{machine, system, *backups, traffic, options.allow_final, credentials, console};
        announce(machine, options, listener.port(), code, *backups->current(), traffic, console);
        serve(listener, host, console, cancellation);
    } catch (const base::Error& error) {
        failed = error;
    }
    report.not_started = traffic.restore();
    if (!report.not_started.empty()) {
        if (failed) console.warn(failed->what());
        throw not_started(report.not_started);
    }
    if (failed) throw base::Error{*failed};
    console.say("Stopped. This system is as it was before.");
}

}  // namespace ft::migrate
