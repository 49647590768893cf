#pragma once

#include <cstdint>
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
/// done. One thread; reads requests from `in`, writes to `out` (frames over `channel`, which flushes them).
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
    Sender(const Session& session, const Offer& offer, base::Progress& progress, Served& served);

    /// Errors: peer, network.
    void run();

private:
    void send_list();
    base::Digest list_sum(const tree::Item& item);
    void send_owner_names(const wire::ListOptions& options);
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
    void write(const wire::Writer& bytes) { session_.out.write(bytes.written()); }

    Session session_;
    const Offer& offer_;
    base::Progress& progress_;
    Served& served_;
    HashedBytes hashed_{[this] { session_.out.keep_alive(); }};
    ListedExtended extended_;
    wire::StrongSum strong_;
    wire::IndexReader requested_;
    wire::IndexWriter answered_;
    std::unique_ptr<wire::Compressor> compressor_;
    std::vector<std::uint8_t> times_sent_;  // by index: one transfer and one redo
    std::int32_t io_error_ = 0;
    std::int32_t io_error_told_ = 0;
};

}  // namespace ft::rsync
