#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "ft/base/progress.h"
#include "ft/os/machine.h"
#include "ft/rsync/serve.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"
#include "ft/wire/items.h"
#include "ft/wire/reader.h"
#include "ft/wire/sum_head.h"
#include "rsync/channel.h"
#include "rsync/file_sums.h"
#include "rsync/listed_extended.h"
#include "rsync/match.h"
#include "rsync/negotiation.h"
#include "rsync/offer.h"
#include "rsync/options.h"

namespace ft::rsync {

/// A daemon's part of a session behind the filter list: sends the list, answers requests until the client is
/// done. Reads requests from `in`, writes to `out` (frames over `channel`, which flushes them).
/// One calling thread; while it sends the list, a second one shows the client that this side lives.
class Sender {
public:
    struct Session {
        const Channel& channel;
        wire::Reader& in;
        wire::FrameWriter& out;
        const Setup& setup;
        const Options& options;
        const Module& module;
        const os::Accounts* accounts;
    };
    Sender(const Session& session, base::Progress& progress, Served& served);

    /// Sends the list while it scans, so that disk and line work at once. Errors: peer, network, cancelled;
    /// others: what cannot be scanned, perhaps after a part of the list.
    void send_list(base::Cancellation& cancellation);
    /// Until the client has all that it wants. Errors: peer, network.
    void answer_client();

private:
    void send_entry(wire::EntryEncoder& encoder, wire::Entry& entry, std::size_t index);
    void send_entries();
    void tell_problems();
    base::Digest list_sum(const wire::Entry& file);
    void send_owner_names();
    void answer_requests();
    void answer(const wire::Item& item, int phase);
    bool has_value_request(const wire::Item& item) const;
    void send_file(const wire::Item& item, const std::vector<std::int32_t>& values, const BlockSums& sums);
    void write_echo(wire::Writer& out, const wire::Item& item, const std::vector<std::int32_t>& values);
    void say(wire::MessageCode code, const std::string& line);
    void note_change(const os::Status& before, const os::Status& after, const wire::Item& item,
                     const std::string& path);
    void cannot_send(const wire::Item& item, const std::string& path, const std::string& why);
    void failed(const std::string& line);
    std::int32_t next_index();
    void write_done();
    void say_goodbye();
    void keep_alive();
    void write(const wire::Writer& bytes) { session_.out.write(bytes.written()); }

    Session session_;
    Offer offer_;
    base::Progress& progress_;
    Served& served_;
    const wire::ListOptions list_options_;
    HashedBytes hashed_{[this] {
        send_entries();
        keep_alive();
    }};
    ListedExtended extended_;
    wire::StrongSum strong_;
    wire::IndexReader requested_;
    wire::IndexWriter answered_;
    std::unique_ptr<wire::Compressor> compressor_;
    std::vector<std::uint8_t> times_sent_;  // by index: one transfer and one redo
    std::int32_t io_error_ = 0;
    std::int32_t io_error_told_ = 0;
    std::uint64_t errors_said_ = 0;
    std::uint64_t remarks_said_ = 0;
    std::mutex writing_;    // while the list is sent: guards session_.out
    wire::Writer entries_;  // of the list, not sent yet
};

}  // namespace ft::rsync
