#include "ft/rsync/pull.h"

#include <fmt/format.h>

#include <optional>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/task_group.h"
#include "ft/base/ticker.h"
#include "ft/tree/scan.h"
#include "ft/wire/frames.h"
#include "rsync/client.h"
#include "rsync/generator.h"
#include "rsync/messages.h"
#include "rsync/received_list.h"
#include "rsync/receiver.h"
#include "rsync/write_behind.h"

namespace ft::rsync {

namespace {

// To make a file takes longer than to receive it. More than two would mostly wait for each other: files come
// directory by directory, and the system makes one at a time in each.
constexpr int kStagingThreads = 2;

// What a mounted file system holds is neither sent nor replaced: with one in it, no tree becomes a replica.
void require_no_mounts(const std::optional<std::string>& there, const std::vector<std::string>& here) {
    const auto refuse = [](const std::string& path, const char* where) {
        return base::Error{base::ErrorKind::unfit, path + ": another file system is mounted here" + where,
                           "Add it to the tree's \"mounts\" in system.json there, or exclude it."};
    };
    if (there) throw refuse(base::escape(*there), " at the source");
    if (!here.empty()) throw refuse(here.front(), "");
}

// Where the threads of a pull wait for each other.
struct Meetings {
    Requests requests;
    WholeFiles files;
    WriteBehind behind;

    void stop() noexcept {
        requests.stop();
        files.stop();
        behind.close();
    }
};

// Whatever ends a pull, nobody stays blocked: neither our threads nor the source.
class Stop {
public:
    Stop(base::Cancellation& cancellation, base::Stream& stream, Meetings& meetings)
        : stream_{stream}, meetings_{meetings}, hook_{cancellation.on_request([this] { now(); })} {}
    ~Stop() {
        if (!released_) now();
    }
    Stop(const Stop&) = delete;
    Stop& operator=(const Stop&) = delete;
    void release() { released_ = true; }

private:
    void now() noexcept {
        meetings_.stop();
        stream_.shut_down();
    }

    base::Stream& stream_;
    Meetings& meetings_;
    bool released_ = false;
    base::Cancellation::Hook hook_;
};

class Pull {
public:
    Pull(base::Stream& stream, const PullOptions& options, base::Progress& progress,
         base::Cancellation& cancellation)
        : stream_{stream}, options_{options}, progress_{progress}, cancellation_{cancellation} {}

    Pulled run(const os::Directory& live_root, const tree::Rules& rules, staging::Staging& staging) {
        Stop at_end{cancellation_, stream_, meetings_};
        wire::Reader raw{stream_};
        const Setup setup = connect(raw, stream_, options_);
        wire::FrameWriter out{stream_};
        wire::FrameReader frames{raw, wire::Direction::to_client, setup.protocol,
                                 [this](const wire::Message& message) { take(message); }};
        wire::Reader in{frames};

        ReceivedList list;
        tree::Scanned live;
        FileSums live_sums;
        std::optional<Generator> generator;
        base::TaskGroup group{cancellation_};
        Stop at_failure{group.cancellation(), stream_, meetings_};
        std::vector<base::RelPath> mounts = staging.grounds();
        std::erase_if(mounts, [](const base::RelPath& at) { return at.is_root(); });
        // Both disks work at once: the source reads its tree while we read ours.
        group.start("file list", [&] {
            list = receive_list(in, list_options(setup, asked_options(options_)), setup.list_checksum,
                                options_.list_memory, *options_.accounts, progress_);
        });
        group.start("scan", [&] {
            live = tree::scan(live_root, rules, group.cancellation(),
                              {.changed_since = options_.changed_since, .mounts = mounts});
            if (!options_.verify_content || live.unreadable_count > 0) return;
            live_sums = sums_of(live_root, live.listing, setup.list_checksum, progress_.bytes_verified,
                                group.cancellation());
        });
        {
            // The source waits for our requests; nothing else is written meanwhile.
            const base::Ticker alive{base::kAliveInterval, [&] { out.keep_alive(); }};
            group.wait();
        }
        require_fit(list, live);
        wire::IndexWriter requested;
        wire::IndexReader answered;
        list.extended.find_values(live.listing);
        list.extended.fetch_values(list.listing, options_.live, out, requested, in, answered);
        list.extended.settle(list.listing, *list.owners, cancellation_);
        list.extended = {};
        list.decoder.reset();

        Links links{list.listing, live.listing, staging};
        const ContentCheck check{list.listing, list.sums, live.listing, live_sums};
        const Session session{
            setup,    options_,           list.listing, live_root,
            staging,  meetings_.requests, links,        options_.verify_content ? &check : nullptr,
            progress_};
        generator.emplace(session, live.listing, rules, out, requested);
        Need need = generator->measure();
        need.changed = std::move(live.changed);
        if (options_.on_need) options_.on_need(need, [&] { out.keep_alive(); });

        receiver_.emplace(session, in, meetings_.files, meetings_.behind, pulled_, answered);
        group.start("generator", [&] { generator->run(); });
        group.start("receiver", [&] { receiver_->run(generator->may_ask()); });
        group.start("write behind", [&] { meetings_.behind.work([&] { staging.sync_behind(); }); });
        for (int thread = 0; thread < kStagingThreads; ++thread) {
            group.start("staging", [&] {
                meetings_.files.work([&](auto whole) { receiver_->stage(std::move(whole)); });
            });
        }
        group.wait();
        messages_.require_complete(options_.live);
        pulled_.adopted_files = generator->adopted_files();
        pulled_.adopted_bytes = generator->adopted_bytes();
        pulled_.verified_files = generator->verified_files();
        pulled_.differing_files = generator->differing_files();
        pulled_.listed = list.listing.totals();
        pulled_.unknown_owners = std::move(list.unknown_owners);
        pulled_.warnings = messages_.warnings();
        at_failure.release();
        at_end.release();
        return pulled_;
    }

    /// What the source said last tells more than that it left, or that a content does not fit.
    void explain(const base::Error& error) const {
        const bool follows =
            error.kind() == base::ErrorKind::network || error.kind() == base::ErrorKind::corrupt;
        if (follows && !messages_.failures().empty()) {
            messages_.require_complete(options_.live);
        }
    }

private:
    void take(const wire::Message& message) {
        if (message.code != wire::MessageCode::no_send) return messages_.take(message);
        if (!receiver_) throw wire::malformed("message", "refuses a file that nobody asked for");
        receiver_->take_no_send(message.number);
    }

    void require_fit(const ReceivedList& list, const tree::Scanned& live) {
        messages_.add_io_error(list.io_error);
        messages_.require_complete(options_.live);
        list.listing.require_tree();
        if (live.unreadable_count > 0) {
            throw base::Error{base::ErrorKind::io,
                              fmt::format("{} objects here cannot be read: {}", live.unreadable_count,
                                          live.unreadable.front())}
                .with_details(live.unreadable);
        }
        require_no_mounts(list.closed, live.mount_points);
    }

    base::Stream& stream_;
    const PullOptions& options_;
    base::Progress& progress_;
    base::Cancellation& cancellation_;
    Messages messages_;
    Meetings meetings_;
    Pulled pulled_;
    std::optional<Receiver> receiver_;
};

}  // namespace

Pulled pull(base::Stream& stream, const os::Directory& live, const tree::Rules& rules,
            staging::Staging& staging, const PullOptions& options, base::Progress& progress,
            base::Cancellation& cancellation) {
    Pull pull{stream, options, progress, cancellation};
    try {
        return pull.run(live, rules, staging);
    } catch (const base::Error& error) {
        cancellation.check();
        pull.explain(error);
        throw;
    }
}

}  // namespace ft::rsync
