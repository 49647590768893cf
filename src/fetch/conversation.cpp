#include "ft/fetch/conversation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/log.h"
#include "ft/ui/format.h"

namespace ft::fetch {
namespace {

[[noreturn]] void throw_failure(const control::Failure& failure) {
    throw base::Error{base::ErrorKind::peer, "the source ended the run: " + failure.message,
                      failure.cancelled ? "Start ft on the source again, then run the same command again."
                                        : "The source's console says more."};
}

}  // namespace

Conversation::Conversation(const Source& source, const std::string& run_id, bool final_run,
                           const std::vector<system::KeptRows>& keep_rows, Attempts& attempts,
                           ui::Console& console, base::Cancellation& cancellation)
    : source_{source}, attempts_{attempts}, console_{console}, ending_{cancellation} {
    begin_.ft_version = FT_VERSION;
    begin_.run_id = run_id;
    begin_.host_name = source.machine.host_name();
    begin_.final_run = final_run;
    begin_.keep_rows = keep_rows;
    connect();
    alive_.emplace(base::kAliveInterval, [this] {
        std::optional<control::RunProgress> progress;
        {
            const std::lock_guard lock{mutex_};
            progress = std::exchange(progress_, std::nullopt);
        }
        if (progress) {
            send(*progress);
        } else {
            send(control::Alive{});
        }
    });
}

std::shared_ptr<Conversation::Link> Conversation::link() const {
    const std::lock_guard lock{mutex_};
    return link_;
}

void Conversation::connect() {
    const auto fresh = std::make_shared<Link>(
        transport::connect(source_.machine.network(), source_.host, source_.port, source_.code,
                           transport::Purpose::control, source_.limits, ending_));
    fresh->channel.send(begin_);
    attempts_.connected(outage_);
    const std::lock_guard lock{mutex_};
    if (link_) {
        received_before_ += link_->connection->bytes_received();
        sent_before_ += link_->connection->bytes_sent();
    }
    link_ = fresh;
    again_ = first_.has_value();
    // Asked on an earlier link, and not answered there: whoever asks later takes this one.
    ask_again_ = stopped_since_ && !second_;
    if (shut_) link_->connection->shut_down();
}

void Conversation::connect_again(base::Error lost) {
    lost_ = true;
    link()->connection->shut_down();
    presence_.lost();
    for (;;) {
        attempts_.pause(outage_, lost, ending_);
        try {
            return connect();
        } catch (const base::Error& error) {
            lost = error;
        }
    }
}

std::optional<control::Message> Conversation::hear() {
    for (;;) {
        try {
            auto message = link()->channel.receive();
            if (!message) return message;
            begin_.again = true;
            if (!std::holds_alternative<control::Failure>(*message) && std::exchange(lost_, false))
                console_.say("The source is there again.");
            attempts_.heard(outage_);
            return message;
        } catch (const base::Error& error) {
            if (finished_ || error.kind() != base::ErrorKind::network) throw;
            connect_again(error.on("the source"));
        }
    }
}

void Conversation::listen() {
    try {
        while (const auto message = hear()) {
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

void Conversation::take(const control::Message& message) {
    bool ready = false;
    bool ask = false;
    {
        const std::lock_guard lock{mutex_};
        if (const auto* told = std::get_if<control::Ready>(&message)) {
            ready = true;
            const bool acknowledges = std::exchange(again_, false);
            if (!first_) {
                first_ = told->manifest;
            } else if (stopped_since_ && !second_ && !(acknowledges && told->manifest.live)) {
                second_ = told->manifest;
            } else if (!acknowledges) {
                throw base::Error{base::ErrorKind::peer,
                                  "the source has a backup ready that nobody asked for"};
            } else {
                ask = std::exchange(ask_again_, false);
            }
        } else if (const auto* backup = std::get_if<control::BackupProgress>(&message)) {
            backup_ = *backup;
        }
    }
    heard_.notify_all();
    if (ask) send(control::StopTraffic{});
    if (ready) presence_.back();
}

/// Over a link that is lost nothing arrives: who listens finds out, and begins again on another one.
void Conversation::send(const control::Message& message) {
    try {
        link()->channel.send(message);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::network) throw;
        base::log_info("not sent to the source: {}", error.what());
    }
}

system::Manifest Conversation::wait_for(const std::optional<system::Manifest>& manifest,
                                        base::Cancellation& cancellation) {
    const auto hook = cancellation.on_request([this] {
        const std::lock_guard lock{mutex_};
        interrupted_ = true;
        heard_.notify_all();
    });
    std::unique_lock lock{mutex_};
    while (!manifest) {
        // The cancellation has a lock of its own, and its hook takes ours: not under this one.
        heard_.wait(lock, [&] { return manifest || backup_ || interrupted_; });
        if (manifest) break;
        const auto backup = std::exchange(backup_, std::nullopt);
        lock.unlock();
        cancellation.check();
        if (backup) show(*backup);
        lock.lock();
    }
    return *manifest;
}

system::Manifest Conversation::wait_until_ready(base::Cancellation& cancellation) {
    return wait_for(first_, cancellation);
}

system::Manifest Conversation::stop_traffic(base::Cancellation& cancellation) {
    std::shared_ptr<Link> asked;
    {
        const std::lock_guard lock{mutex_};
        stopped_since_ = source_.machine.clock().now();
        asked = link_;
    }
    try {
        asked->channel.send(control::StopTraffic{});
    } catch (const base::Error& error) {  // it is asked for again on the next link
        if (error.kind() != base::ErrorKind::network) throw;
    }
    auto manifest = wait_for(second_, cancellation);
    if (manifest.live)
        throw base::Error{base::ErrorKind::peer, "the source was asked to stop production, which goes on"};
    return manifest;
}

void Conversation::show(const control::BackupProgress& backup) const {
    console_.progress(
        fmt::format("The source makes a backup of {}: {} of about {}{}", base::escape(backup.database),
                    ui::bytes(backup.bytes_done), ui::bytes(backup.bytes_expected),
                    records::downtime_suffix(source_.machine.clock(), stopped_since())),
        {{"phase", "backup"}, {"bytes_done", backup.bytes_done}, {"bytes_wanted", backup.bytes_expected}});
}

records::StoppedSince Conversation::stopped_since() const {
    const std::lock_guard lock{mutex_};
    return stopped_since_;
}

void Conversation::set_progress(control::RunProgress progress) {
    const std::lock_guard lock{mutex_};
    progress_ = std::move(progress);
}

std::uint64_t Conversation::bytes_received() const {
    const std::lock_guard lock{mutex_};
    return received_before_ + link_->connection->bytes_received();
}

std::uint64_t Conversation::bytes_sent() const {
    const std::lock_guard lock{mutex_};
    return sent_before_ + link_->connection->bytes_sent();
}

void Conversation::finish(const control::Message& last_word) {
    if (finished_.exchange(true)) return;
    alive_.reset();
    const auto last = link();
    try {
        last->channel.send(last_word);
        last->connection->finish_writing();
    } catch (const base::Error& error) {
        base::log_info("the source could not be told how the run ended: {}", error.what());
        shut_down();
    }
}

void Conversation::shut_down() {
    {
        const std::lock_guard lock{mutex_};
        shut_ = true;
        link_->connection->shut_down();
    }
    ending_.request("the end of the run");
}

}  // namespace ft::fetch
