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

Conversation::Conversation(const Source& source, const std::string& run_id,
                           const std::vector<system::KeptRows>& keep_rows, base::Cancellation& cancellation)
    : connection_{transport::connect(source.machine.network(), source.host, source.port, source.code,
                                     transport::Purpose::control, source.limits, cancellation)},
      channel_{*connection_} {
    control::Begin begin;
    begin.ft_version = FT_VERSION;
    begin.run_id = run_id;
    begin.host_name = source.machine.host_name();
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
        if (const auto* backup = std::get_if<control::BackupProgress>(&*message)) {
            console.progress(
                fmt::format("The source makes a backup of {}: {} of about {}", base::escape(backup->database),
                            ui::bytes(backup->bytes_done), ui::bytes(backup->bytes_expected)),
                {{"phase", "backup"},
                 {"bytes_done", backup->bytes_done},
                 {"bytes_wanted", backup->bytes_expected}});
        }
    }
    throw base::Error{base::ErrorKind::peer, "the source closed the connection before it was ready"};
}

void Conversation::set_progress(control::RunProgress progress) {
    const std::lock_guard lock{mutex_};
    progress_ = std::move(progress);
}

void Conversation::listen() {
    try {
        while (const auto message = channel_.receive()) {
            if (const auto* failure = std::get_if<control::Failure>(&*message)) throw_failure(*failure);
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
