#pragma once

#include "ft/wire/compression.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"
#include "ft/wire/reader.h"
#include "rsync/session.h"

namespace ft::rsync {

/// Turns the sender's answers into staged files. It only reads.
class Receiver {
public:
    /// `indices`: as the answers so far have left them.
    Receiver(const Session& session, wire::Reader& in, Pulled& pulled, const wire::IndexReader& indices);

    /// Until the sender has said its last word.
    void run();
    /// A requested file will not come: fine when it vanished from a live source, else Error peer.
    void take_no_send(std::int32_t index);

private:
    bool end_of_phase();
    void take_answer(std::int32_t index);
    bool receive(const Requests::Request& request, const base::RelPath& path);
    std::uint64_t bound(std::uint64_t listed) const;

    Session session_;
    wire::Reader& in_;
    Pulled& pulled_;
    wire::IndexReader indices_;
    std::unique_ptr<wire::Decompressor> decompressor_;
    int dones_ = 0;
};

}  // namespace ft::rsync
