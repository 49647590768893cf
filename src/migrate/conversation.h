#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/control/channel.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"
#include "migrate/pull.h"
#include "migrate/ticker.h"

namespace ft::migrate {

/// The destination's end of the control channel: begins the run, waits for the backup, and from then on
/// listens whether the source is still there.
class Conversation {
public:
    /// Connects and begins run `run_id` of a machine that keeps `keep_rows`. Errors: network, as
    /// transport::connect.
    Conversation(const Source& source, const std::string& run_id,
                 const std::vector<system::KeptRows>& keep_rows, base::Cancellation& cancellation);

    /// Waits until the source has a backup for this run, showing its progress. Error peer with the source's
    /// reason when it refuses or fails.
    system::Manifest wait_until_ready(ui::Console& console, base::Cancellation& cancellation);
    /// What goes to the source with the next sign of life.
    void set_progress(control::RunProgress progress);
    /// Reads until the source closes: returns when this side has said its last word. Error peer, network
    /// otherwise.
    void listen();
    /// Says how the run ended, in an orderly way; a source that is gone does not matter any more.
    void finish(const control::Message& last_word);
    /// Ends both directions: listen returns. Any thread.
    void shut_down() noexcept { connection_->shut_down(); }

    std::string peer() const { return connection_->peer(); }
    std::uint64_t bytes_received() const { return connection_->bytes_received(); }
    std::uint64_t bytes_sent() const { return connection_->bytes_sent(); }

private:
    std::unique_ptr<transport::Connection> connection_;
    control::Channel channel_;
    std::mutex mutex_;  // guards progress_
    std::optional<control::RunProgress> progress_;
    std::atomic<bool> finished_{false};
    std::optional<Ticker> alive_;
};

}  // namespace ft::migrate
