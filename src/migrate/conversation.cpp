#include "migrate/conversation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/ui/format.h"

namespace ft::migrate {
namespace {

[[noreturn]] void throw_failure(const control::Failure& failure) {
    throw base::Error{base::ErrorKind::peer, "the source ended the run: " + failure.message,
                      failure.cancelled ? "Start ft on the source again, then run the same command again."
                                        : "The source's console says more."};
}

}  // namespace

Conversation::Conversation(const Source& source, const std::string& run_id, bool final_run,
                           const std::vector<system::KeptRows>& keep_rows, base::Cancellation& cancellation)
    : clock_{source.machine.clock()},
      connection_{transport::connect(source.machine.network(), source.host, source.port, source.code,
                                     transport::Purpose::control, source.limits, cancellation)},
      channel_{*connection_} {
    control::Begin begin;
    begin.ft_version = FT_VERSION;
    begin.run_id = run_id;
    begin.host_name = source.machine.host_name();
    begin.final_run = final_run;
    begin.keep_rows = keep_rows;
    channel_.send(begin);
    alive_.emplace(kAliveInterval, [this] {
        const std::lock_guard lock{mutex_};
        if (progress_) {
            channel_.send(*std::exchange(progress_, std::nullopt));
        } else {
            channel_.send(control::Alive{});
        }
    });
}

system::Manifest Conversation::wait_until_ready(ui::Console& console, base::Cancellation& cancellation) {
    const auto hook = cancellation.on_request([this] { shut_down(); });
    while (const auto message = channel_.receive()) {
        if (const auto* ready = std::get_if<control::Ready>(&*message)) return ready->manifest;
        if (const auto* failure = std::get_if<control::Failure>(&*message)) throw_failure(*failure);
        if (const auto* backup = std::get_if<control::BackupProgress>(&*message)) show(*backup, console);
    }
    throw base::Error{base::ErrorKind::peer, "the source closed the connection before it was ready"};
}

void Conversation::show(const control::BackupProgress& backup, ui::Console& console) const {
    console.progress(
        fmt::format("The source makes a backup of {}: {} of about {}{}", base::escape(backup.database),
                    ui::bytes(backup.bytes_done), ui::bytes(backup.bytes_expected),
                    downtime_suffix(clock_, stopped_since())),
        {{"phase", "backup"}, {"bytes_done", backup.bytes_done}, {"bytes_wanted", backup.bytes_expected}});
}

StoppedSince Conversation::stopped_since() const {
    const std::lock_guard lock{mutex_};
    return stopped_since_;
}

system::Manifest Conversation::stop_traffic(ui::Console& console, base::Cancellation& cancellation) {
    const auto hook = cancellation.on_request([this] {
        const std::lock_guard lock{mutex_};
        interrupted_ = true;
        heard_.notify_all();
    });
    {
        const std::lock_guard lock{mutex_};
        stopped_since_ = clock_.now();
    }
    channel_.send(control::StopTraffic{});
    std::unique_lock lock{mutex_};
    while (!second_) {
        // The cancellation has a lock of its own, and its hook takes ours: not under this one.
        heard_.wait(lock, [&] { return second_ || backup_ || interrupted_; });
        const auto backup = std::exchange(backup_, std::nullopt);
        lock.unlock();
        cancellation.check();
        if (backup) show(*backup, console);
        lock.lock();
    }
    if (second_->live)
        throw base::Error{base::ErrorKind::peer, "the source was asked to stop production, which goes on"};
    return std::move(*second_);
}

void Conversation::take(const control::Message& message) {
    const std::lock_guard lock{mutex_};
    if (const auto* ready = std::get_if<control::Ready>(&message)) {
        if (!stopped_since_ || second_)
            throw base::Error{base::ErrorKind::peer, "the source has a backup ready that nobody asked for"};
        second_ = ready->manifest;
    } else if (const auto* backup = std::get_if<control::BackupProgress>(&message)) {
        backup_ = *backup;
    }
    heard_.notify_all();
}

void Conversation::set_progress(control::RunProgress progress) {
    const std::lock_guard lock{mutex_};
    progress_ = std::move(progress);
}

void Conversation::listen() {
    try {
        while (const auto message = channel_.receive()) {
            if (const auto* failure = std::get_if<control::Failure>(&*message)) throw_failure(*failure);
            take(*message);
        }
    } catch (const base::Error&) {
        if (finished_) return;
        throw;
    }
    if (!finished_)
        throw base::Error{base::ErrorKind::peer, "the source closed the connection during the run"};
}

void Conversation::finish(const control::Message& last_word) {
    finished_ = true;
    alive_.reset();
    try {
        channel_.send(last_word);
        connection_->finish_writing();
    } catch (const base::Error& error) {
        base::log_info("the source could not be told how the run ended: {}", error.what());
        shut_down();
    }
}

}  // namespace ft::migrate
