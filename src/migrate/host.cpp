#include "migrate/host.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/base/task_group.h"
#include "ft/base/ticker.h"
#include "ft/checks/ground.h"
#include "ft/database/database.h"
#include "ft/records/downtime.h"
#include "ft/system/accounts.h"
#include "ft/system/machine_id.h"
#include "ft/ui/format.h"

namespace ft::migrate {
namespace {

constexpr std::chrono::seconds kDying{3};

}  // namespace

Host::Host(os::Machine& machine, const system::Description& system, Backups& backups, Traffic& traffic,
           bool allow_final, std::optional<rsync::Credentials> credentials, ui::Console& console)
    : machine_{machine},
      system_{system},
      backups_{backups},
      traffic_{traffic},
      allow_final_{allow_final},
      console_{console},
      modules_{machine, system, backups, traffic, std::move(credentials), console} {}

void Host::handle(transport::Connection& connection, base::Cancellation& cancellation) {
    try {
        if (connection.purpose() == transport::Purpose::control) {
            converse(connection, cancellation);
        } else {
            modules_.serve(connection, cancellation);
        }
    } catch (const base::Error& error) {
        // What the end of a run, or of the source, interrupted is no news.
        const bool interrupted = cancellation.requested() || error.kind() == base::ErrorKind::cancelled;
        if (interrupted) return;
        console_.warn(fmt::format("{}: {}", connection.peer(), error.what()));
        // No further try would end otherwise.
        if (error.kind() == base::ErrorKind::unfit && connection.purpose() == transport::Purpose::rsync)
            fail_run(error);
    }
}

void Host::converse(transport::Connection& connection, base::Cancellation& cancellation) {
    control::Channel channel{connection};
    const auto first = channel.receive();
    if (!first) return;
    const auto* begin = std::get_if<control::Begin>(&*first);
    if (begin == nullptr)
        throw base::Error{base::ErrorKind::peer, "the conversation does not begin with a run"};
    std::string refusal;
    if (const auto run = admit(*begin, connection.peer(), refusal))
        return converse(run, channel, connection, cancellation);
    channel.send(control::Failure{refusal, false});
    console_.warn(fmt::format("{}: refused: {}", connection.peer(), refusal));
    connection.finish_writing();
}

std::shared_ptr<ServedRun> Host::admit(const control::Begin& begin, const std::string& peer,
                                       std::string& refusal) {
    if (begin.format != system::kFormatVersion) {
        refusal = fmt::format("the source is ft {}, the destination ft {}: install the same version on both",
                              FT_VERSION, begin.ft_version);
        return nullptr;
    }
    wait_for_the_dying(begin);
    const std::lock_guard lock{runs_mutex_};
    if (run_ && run_->begin().run_id == begin.run_id) {
        console_.say(fmt::format("{}: the destination is there again: run {} goes on", peer, begin.run_id));
        console_.event("destination_back", {{"run_id", begin.run_id}, {"peer", peer}});
        modules_.end_transfers();  // which it has given up: the next ones come when it has our answer
        return run_;
    }
    if (begin.again) {
        refusal = "it does not know this run: it was started again, or another run has begun since";
    } else if (run_ && run_->attached()) {
        refusal = "the source serves another destination already";
    } else if (begin.final_run && traffic_.live() && !allow_final_) {
        refusal =
            "it was not started with --allow-final: start it so, or with --stop-traffic, for a final run";
    }
    if (!refusal.empty()) return nullptr;
    if (const auto old = std::exchange(run_, nullptr)) {
        tell_end(*old, peer, {.text = "its destination did not come back"});
        modules_.end_transfers();
        old->end();
    }
    begin_run(begin, peer);
    return run_;
}

/// A destination that was killed and begins anew may be faster than the news of its death.
void Host::wait_for_the_dying(const control::Begin& begin) {
    std::shared_ptr<ServedRun> before;
    {
        const std::lock_guard lock{runs_mutex_};
        before = run_;
    }
    if (before && !begin.again && before->begin().run_id != begin.run_id) before->wait_detached(kDying);
}

void Host::begin_run(const control::Begin& begin, const std::string& peer) {
    console_.say(fmt::format("{}: run {} begins", peer, begin.run_id));
    console_.event("run_started", {{"run_id", begin.run_id}, {"peer", peer}});
    run_ = std::make_shared<ServedRun>(begin, ending_);
    ServedRun& run = *run_;
    // Beside the reading: a destination that is lost meanwhile finds it when it is back.
    run.start("the backup", [this, &run, peer] {
        prepare(run, peer, [&](auto& until, const auto& progress) {
            return backups_.for_run(facts(run.begin()), until, progress);
        });
    });
}

void Host::converse(const std::shared_ptr<ServedRun>& run, control::Channel& channel,
                    transport::Connection& connection, base::Cancellation& cancellation) {
    const std::string peer = connection.peer();
    const std::string& run_id = run->begin().run_id;
    Ending how;
    bool superseded = false;
    {
        const ServedRun::Attached attached{*run, channel, connection};
        const base::Ticker alive{base::kAliveInterval, [&] { channel.send(control::Alive{}); }};
        if (goes_on(run)) {
            how = listen(*run, channel, peer, cancellation);
        } else {  // another one has taken its place just now
            channel.send(control::Failure{"another run has begun", false});
        }
        if (how.lost) connection.shut_down();
        superseded = attached.superseded();
    }
    if (!how.lost) {
        end_run(run, peer, how);
        return connection.finish_writing();
    }
    if (superseded) return;
    console_.say(
        fmt::format("{}: the destination's connection was lost ({}); waiting for it", peer, how.text));
    console_.event("destination_lost", {{"run_id", run_id}, {"peer", peer}});
    tell_downtime(peer);
}

void Host::fail_run(const base::Error& error) {
    const std::lock_guard lock{runs_mutex_};
    if (run_) run_->answer(control::Failure{error.what(), false});
}

bool Host::goes_on(const std::shared_ptr<ServedRun>& run) {
    const std::lock_guard lock{runs_mutex_};
    return run_ == run;
}

void Host::tell_end(const ServedRun& run, const std::string& peer, const Ending& how) {
    const std::string& run_id = run.begin().run_id;
    console_.say(fmt::format("{}: run {} ended: {}", peer, run_id, how.text));
    console_.event("run_ended", {{"run_id", run_id}, {"peer", peer}, {"outcome", how.outcome}});
}

void Host::end_run(const std::shared_ptr<ServedRun>& run, const std::string& peer, const Ending& how) {
    const std::lock_guard lock{runs_mutex_};
    if (run_ != run) return;
    tell_end(*run, peer, how);
    run_.reset();
    modules_.end_transfers();
    run->end();
    tell_downtime(peer);
}

HookFacts Host::facts(const control::Begin& begin) const {
    return {.run_id = begin.run_id, .phase = system::phase_of(traffic_.live())};
}

void Host::take_wish_to_stop(ServedRun& run, bool asked_here, const std::string& peer) {
    std::string wrong;
    if (!run.begin().final_run) {
        wrong = "in a run that did not begin as a final one";
    } else if (!run.was_ready()) {
        wrong = "before the backup was ready";
    } else if (asked_here) {
        wrong = "twice";
    } else if (!run.ask_to_stop()) {
        return;  // asked for on a channel that was lost: the answer comes, or is there
    } else if (!traffic_.live()) {
        wrong = "although it is stopped";
    }
    if (wrong.empty()) return stop_traffic(run, peer);
    const base::Error error{base::ErrorKind::peer, "the destination asks to stop production " + wrong};
    run.send(control::Failure{error.what(), false});
    throw error;
}

void Host::stop_traffic(ServedRun& run, const std::string& peer) {
    console_.say(fmt::format("{}: its final run asks to stop production.", peer));
    run.start("the stop", [this, &run, peer] {
        prepare(run, peer, [&](auto& until, const auto& progress) {
            // All of it or nothing, also when the destination leaves meanwhile.
            traffic_.stop(console_, ending_);
            if (!run.attached()) tell_downtime(peer);
            until.check();
            return backups_.fresh(facts(run.begin()), until, progress);
        });
    });
}

void Host::tell_downtime(const std::string& peer) {
    const records::StoppedSince since = traffic_.stopped_since();
    if (!since) return;
    console_.say(fmt::format("{}: {}. It stays stopped until ft ends here.", peer,
                             records::downtime_sentence(machine_.clock(), *since)));
}

void Host::prepare(ServedRun& run, const std::string& peer, const MakeBackup& make) {
    const auto tell = [&](const std::string& database, std::uint64_t done, std::uint64_t expected) {
        run.send(control::BackupProgress{database, done, expected});
    };
    try {
        modules_.require_there();
        checks::require_ground(machine_, system_);
        const auto backup = make(run.cancellation(), tell);
        run.answer(control::Ready{manifest(*backup, run.begin(), run.cancellation())});
    } catch (const base::Error& error) {
        // What the end of a run, or of the source, interrupted is no news.
        if (run.cancellation().requested()) return;
        run.answer(control::Failure{error.what(), false});
        console_.warn(fmt::format("{}: {}", peer, error.what()));
    }
}

Host::Ending Host::listen(ServedRun& run, control::Channel& channel, const std::string& peer,
                          base::Cancellation& cancellation) {
    Ending how{.lost = true, .text = "it left without saying how the run ended"};
    bool stop_asked = false;
    try {
        while (const auto message = channel.receive()) {
            if (const auto* progress = std::get_if<control::RunProgress>(&*message)) {
                console_.progress(
                    fmt::format("{}: {}, {} of {}{}", peer, progress->phase, ui::bytes(progress->bytes_done),
                                ui::bytes(progress->bytes_wanted),
                                records::downtime_suffix(machine_.clock(), traffic_.stopped_since())),
                    {{"phase", progress->phase},
                     {"bytes_done", progress->bytes_done},
                     {"bytes_wanted", progress->bytes_wanted}});
            } else if (std::holds_alternative<control::StopTraffic>(*message)) {
                take_wish_to_stop(run, std::exchange(stop_asked, true), peer);
            } else if (const auto* result = std::get_if<control::Result>(&*message)) {
                how = {.text = result->message, .outcome = std::string{base::name_of(result->outcome)}};
            } else if (const auto* failure = std::get_if<control::Failure>(&*message)) {
                how = {.text = "it failed there: " + failure->message,
                       .outcome = std::string{base::name_of(base::Outcome::unchanged)}};
            }
        }
    } catch (const base::Error& error) {
        if (how.lost)
            how = {.lost = error.kind() == base::ErrorKind::network && !cancellation.requested(),
                   .text = error.what()};
    }
    return how;
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

void Host::say_goodbye() {
    ending_.request("the end of the source");
    const std::lock_guard lock{runs_mutex_};
    if (run_) run_->send(control::Failure{"the source was stopped", true});
}

Host::~Host() {
    ending_.request("the end of the source");
    run_.reset();
}

}  // namespace ft::migrate
