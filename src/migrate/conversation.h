#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/control/channel.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"
#include "migrate/downtime.h"
#include "migrate/pull.h"
#include "migrate/ticker.h"

namespace ft::migrate {

/// The destination's end of the control channel: begins the run, waits for the backup, and from then on
/// listens whether the source is still there.
class Conversation {
public:
    /// Connects and begins run `run_id` of a machine that keeps `keep_rows`; `final_run`: it may call
    /// stop_traffic. Errors: network, as transport::connect.
    Conversation(const Source& source, const std::string& run_id, bool final_run,
                 const std::vector<system::KeptRows>& keep_rows, base::Cancellation& cancellation);

    /// Waits until the source has a backup for this run, showing its progress. Error peer with the source's
    /// reason when it refuses or fails.
    system::Manifest wait_until_ready(ui::Console& console, base::Cancellation& cancellation);
    /// Asks the source to stop production, and waits for the fresh backup that it makes then, showing its
    /// progress. Once, while listen runs on another thread. Error peer when production goes on all the same;
    /// cancelled when `cancellation` is requested, by the failure of listen too.
    system::Manifest stop_traffic(ui::Console& console, base::Cancellation& cancellation);
    /// When stop_traffic asked; any thread.
    StoppedSince stopped_since() const;
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
    void show(const control::BackupProgress& backup, ui::Console& console) const;
    /// What listen hears for stop_traffic.
    void take(const control::Message& message);

    os::Clock& clock_;
    std::unique_ptr<transport::Connection> connection_;
    control::Channel channel_;
    mutable std::mutex mutex_;  // guards all up to the empty line
    std::condition_variable heard_;
    StoppedSince stopped_since_;
    bool interrupted_ = false;
    std::optional<control::BackupProgress> backup_;  // not shown yet
    std::optional<system::Manifest> second_;         // of a source that has stopped production
    std::optional<control::RunProgress> progress_;

    std::atomic<bool> finished_{false};
    std::optional<Ticker> alive_;
};

}  // namespace ft::migrate
