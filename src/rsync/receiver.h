#pragma once

#include "ft/wire/compression.h"
#include "ft/wire/frames.h"
#include "ft/wire/index.h"
#include "ft/wire/reader.h"
#include "rsync/session.h"
#include "rsync/whole_files.h"
#include "rsync/write_behind.h"

namespace ft::rsync {

/// Turns the sender's answers into staged files. It only reads. One thread runs, any number stage.
class Receiver {
public:
    /// Refers to all of them but `indices`: as the answers so far have left them.
    Receiver(const Session& session, wire::Reader& in, WholeFiles& files, WriteBehind& behind, Pulled& pulled,
             const wire::IndexReader& indices);

    /// Until the sender has said its last word, or, of an ft, the last that matters. `may_have_asked`:
    /// content may have been asked for.
    void run(bool may_have_asked);
    /// A requested file will not come: fine when it vanished from a live source, else Error peer.
    void take_no_send(std::int32_t index);
    /// Stages what came whole. On a thread that does nothing else.
    void stage(WholeFiles::Whole whole);

private:
    bool end_of_phase();
    void take_answer(std::int32_t index);
    void receive(Requests::Request request, const base::RelPath& path);
    std::optional<Requests::Request> lose(const Requests::Request& request);
    std::unique_ptr<staging::Slot> open_slot(const Requests::Request& request, const base::RelPath& path);
    void finish(staging::Slot& slot, Requests::Request request, const base::RelPath& path,
                const base::Digest& sent, bool last_try);
    std::uint64_t bound(std::uint64_t listed) const;

    Session session_;
    wire::Reader& in_;
    WholeFiles& files_;
    WriteBehind& behind_;
    Pulled& pulled_;
    wire::IndexReader indices_;
    std::unique_ptr<wire::Decompressor> decompressor_;
    int dones_ = 0;
};

}  // namespace ft::rsync
