#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ft/base/cancellation.h"
#include "ft/base/ticker.h"
#include "ft/control/channel.h"
#include "ft/fetch/attempts.h"
#include "ft/fetch/source.h"
#include "ft/os/machine.h"
#include "ft/records/downtime.h"
#include "ft/system/description.h"
#include "ft/system/manifest.h"
#include "ft/transport/connection.h"
#include "ft/ui/console.h"

namespace ft::fetch {

/// The destination's end of the control channel: begins the run, waits for backups, and listens all the time
/// whether the source is still there. A channel that is lost is made again, as long as `attempts` allows, and
/// the run goes on over the new one.
class Conversation {
public:
    /// Connects and begins run `run_id` of a machine that keeps `keep_rows`; `final_run`: it may call
    /// stop_traffic. This connection is tried once. Errors as transport::connect. All but the plain values is
    /// referred to.
    Conversation(const Source& source, const std::string& run_id, bool final_run,
                 const std::vector<system::KeptRows>& keep_rows, Attempts& attempts, ui::Console& console,
                 base::Cancellation& cancellation);

    /// Reads until the source closes: returns when this side has said its last word. Runs on a thread of its
    /// own beside all the rest. Error peer, network, stranger or cancelled otherwise.
    void listen();
    /// Waits until the source has a backup for this run, showing its progress. Error cancelled when
    /// `cancellation` is requested, by the failure of listen too (which has the source's reason).
    system::Manifest wait_until_ready(base::Cancellation& cancellation);
    /// Asks the source to stop production, and waits for the fresh backup that it makes then, showing its
    /// progress. Once. Error peer when production goes on all the same; cancelled as above.
    system::Manifest stop_traffic(base::Cancellation& cancellation);
    /// When stop_traffic asked; any thread.
    records::StoppedSince stopped_since() const;
    /// What goes to the source with the next sign of life.
    void set_progress(control::RunProgress progress);
    /// Says how the run ended, in an orderly way; a source that is gone does not matter any more. Once: only
    /// the first word counts.
    void finish(const control::Message& last_word);
    /// Ends both directions, and every try to connect again: listen returns. Any thread.
    void shut_down();

    /// For the other connections of the run.
    Presence& presence() { return presence_; }
    std::string peer() const { return link()->connection->peer(); }
    /// On the wire, of all connections of this channel.
    std::uint64_t bytes_received() const;
    std::uint64_t bytes_sent() const;

private:
    struct Link {
        explicit Link(std::unique_ptr<transport::Connection> made)
            : connection{std::move(made)}, channel{*connection} {}
        std::unique_ptr<transport::Connection> connection;
        control::Channel channel;
    };

    std::shared_ptr<Link> link() const;
    void connect();
    void connect_again(base::Error lost);
    std::optional<control::Message> hear();
    void take(const control::Message& message);
    void send(const control::Message& message);
    system::Manifest wait_for(const std::optional<system::Manifest>& manifest,
                              base::Cancellation& cancellation);
    void show(const control::BackupProgress& backup) const;

    const Source& source_;
    Attempts& attempts_;
    ui::Console& console_;
    Presence presence_;
    base::Cancellation ending_;  // of what may still be tried; the channel itself ends with the last word
    std::atomic<bool> finished_{false};

    // Of the listening thread:
    control::Begin begin_;
    Attempts::Outage outage_;
    bool lost_ = false;

    mutable std::mutex mutex_;  // guards all up to the empty line
    std::condition_variable heard_;
    std::shared_ptr<Link> link_;
    std::uint64_t received_before_ = 0;  // by links that are gone
    std::uint64_t sent_before_ = 0;
    bool shut_ = false;
    bool interrupted_ = false;
    bool again_ = false;      // the next Ready says only that the source knows this run
    bool ask_again_ = false;  // then the stop was asked for on a link that is gone
    records::StoppedSince stopped_since_;
    std::optional<control::BackupProgress> backup_;  // not shown yet
    std::optional<system::Manifest> first_;
    std::optional<system::Manifest> second_;  // of a source that has stopped production
    std::optional<control::RunProgress> progress_;

    std::optional<base::Ticker> alive_;
};

}  // namespace ft::fetch
