#include "rsync/receiver.h"

#include <fmt/format.h>

#include <limits>

#include "ft/base/error.h"
#include "ft/wire/items.h"
#include "ft/wire/tokens.h"

namespace ft::rsync {

namespace {

constexpr std::uint64_t kLiveGrowth = 64 * 1024 * 1024;
constexpr std::uint64_t kCopiedAtOnce = 16 * 1024 * 1024;  // bytes of the basis between looks at the source
constexpr std::size_t kSmall = 64 * 1024;  // bytes of a file that is staged by another thread, at most

// Copies neighbouring blocks together.
class BasisRun {
public:
    using Also = staging::Slot::Also;
    BasisRun(staging::Slot& slot, Also also) : slot_{slot}, also_{std::move(also)} {}
    void add(std::uint64_t offset, std::uint64_t length) {
        if (offset != offset_ + length_) flush();
        if (length_ == 0) offset_ = offset;
        length_ += length;
        if (length_ >= kCopiedAtOnce) flush();
    }
    void flush() {
        if (length_ > 0) {
            slot_.copy_from_basis(offset_, length_, also_);
        }
        length_ = 0;
    }

private:
    staging::Slot& slot_;
    const Also also_;  // learns what was copied
    std::uint64_t offset_ = 0;
    std::uint64_t length_ = 0;
};

base::Error other_size(const base::RelPath& path, std::uint64_t listed, const std::string& sent) {
    return {base::ErrorKind::corrupt,
            fmt::format("{}: the source listed {} bytes and sent {}", path.escaped(), listed, sent)};
}

}  // namespace

Receiver::Receiver(const Session& session, wire::Reader& in, WholeFiles& files, WriteBehind& behind,
                   Pulled& pulled, const wire::IndexReader& indices)
    : session_{session},
      in_{in},
      files_{files},
      behind_{behind},
      pulled_{pulled},
      indices_{indices},
      decompressor_{wire::make_decompressor(session.setup.compression, session.setup.protocol)} {}

void Receiver::run(bool may_have_asked) {
    const auto entries = static_cast<std::int32_t>(session_.wanted.size());
    // Where nothing was asked for, all that an ft says is its goodbye.
    for (bool more = may_have_asked || !session_.options.source_is_ft; more;) {
        const std::int32_t index = indices_.read(in_, entries);
        if (index >= 0) {
            take_answer(index);
        } else if (index == wire::kDone) {
            more = end_of_phase();
        } else {
            throw wire::malformed("index", "brings deletion statistics, which nobody asked for");
        }
    }
    files_.wait_until_staged();
    files_.close();
    behind_.close();
    session_.requests.reach_end();
}

// The third "done" is followed by the statistics; from protocol 31 a fourth answers our goodbye. What an ft
// says behind the first without a further request is heard later (PullOptions::source_is_ft).
bool Receiver::end_of_phase() {
    ++dones_;
    if (dones_ <= 2) {
        files_.wait_until_staged();  // what does not fit its checksum must be asked for again
        const bool again = session_.requests.require_answered();
        if (!again && session_.options.source_is_ft) return false;
    }
    if (dones_ == 3) wire::read_statistics(in_);
    return dones_ < (session_.setup.protocol > 30 ? 4 : 3);
}

void Receiver::take_answer(std::int32_t index) {
    Requests::Request request = session_.requests.take(index);
    const base::RelPath path = session_.path_of(index);
    if (wire::read_item(in_, index) != request.item ||
        wire::read_sum_head(in_, session_.setup.digest_bytes()) != request.head) {
        throw base::Error{base::ErrorKind::peer,
                          path.escaped() + ": the source answers another request than ours"};
    }
    receive(std::move(request), path);
}

// A source that stands still sends what it listed. A live one may have grown since.
std::uint64_t Receiver::bound(std::uint64_t listed) const {
    return session_.options.live ? 2 * listed + kLiveGrowth : listed;
}

std::unique_ptr<staging::Slot> Receiver::open_slot(const Requests::Request& request,
                                                   const base::RelPath& path) {
    auto basis = request.head.count > 0 ? session_.open_basis(path, request.live_basis) : nullptr;
    return session_.staging.create_file(path, request.over, session_.setup.checksum, std::move(basis));
}

void Receiver::receive(Requests::Request request, const base::RelPath& path) {
    const base::Object object = session_.wanted[static_cast<std::size_t>(request.item.index)].object;
    const std::uint64_t most = bound(object.size);
    wire::TokenReader tokens{in_, request.head, std::numeric_limits<std::uint64_t>::max(),
                             decompressor_.get()};
    const bool tells_blocks = decompressor_ && decompressor_->wants_blocks();
    BasisRun::Also also;
    if (tells_blocks) also = [this](std::span<const std::byte> block) { decompressor_->skip(block); };
    base::Bytes whole;  // as long as there is no slot
    std::unique_ptr<staging::Slot> slot;
    std::optional<BasisRun> run;
    const auto open = [&] {
        slot = open_slot(request, path);
        run.emplace(*slot, also);
        slot->append(whole);
    };
    if (request.head.count > 0 || object.size > kSmall) open();
    std::uint64_t size = 0;
    std::uint64_t literal = 0;
    for (wire::Token token = tokens.next(); token.kind != wire::Token::Kind::end; token = tokens.next()) {
        const bool is_block = token.kind == wire::Token::Kind::block;
        size += is_block ? request.head.length_of(token.block) : token.data.size();
        if (size > most) throw other_size(path, object.size, "more");
        if (is_block) {
            run->add(request.head.offset_of(token.block), request.head.length_of(token.block));
            session_.progress.bytes_matched += request.head.length_of(token.block);
            if (tells_blocks) run->flush();  // before the next token is read
            continue;
        }
        literal += token.data.size();
        if (!slot && size > kSmall) open();
        if (slot) {
            run->flush();
            slot->append(token.data);
        } else {
            whole.insert(whole.end(), token.data.begin(), token.data.end());
        }
    }
    const base::Digest sent =
        in_.digest("whole-file checksum", static_cast<std::size_t>(session_.setup.digest_bytes()));
    pulled_.bytes_literal += literal;
    pulled_.bytes_matched += size - literal;
    session_.progress.bytes_literal += literal;
    const bool last_try = dones_ > 0;
    if (!slot) return files_.add({std::move(request), std::move(whole), sent, last_try});
    run->flush();
    finish(*slot, std::move(request), path, sent, last_try);
}

void Receiver::stage(WholeFiles::Whole whole) {
    const base::RelPath path = session_.path_of(whole.request.item.index);
    const auto slot = open_slot(whole.request, path);
    slot->append(whole.content);
    finish(*slot, std::move(whole.request), path, whole.sent, whole.last_try);
}

void Receiver::finish(staging::Slot& slot, Requests::Request request, const base::RelPath& path,
                      const base::Digest& sent, bool last_try) {
    const base::Object object = session_.wanted[static_cast<std::size_t>(request.item.index)].object;
    if (slot.digest() != sent) {
        if (last_try) {
            throw base::Error{
                base::ErrorKind::corrupt,
                path.escaped() + ": the content that came does not fit its checksum, in the last try"};
        }
        request.head = wire::for_redo(request.head, session_.setup.digest_bytes());
        return session_.requests.ask_again(std::move(request));
    }
    if (!session_.options.live && slot.size() != object.size)
        throw other_size(path, object.size, std::to_string(slot.size()));
    session_.progress.bytes_done += slot.size();
    ++session_.progress.files_done;
    slot.finish(object.attributes, object.extended);
    behind_.note(slot.size());
}

void Receiver::take_no_send(std::int32_t index) {
    session_.requests.take_lost(index, [&](const Requests::Request& request) { return lose(request); });
}

std::optional<Requests::Request> Receiver::lose(const Requests::Request& request) {
    const base::RelPath path = session_.path_of(request.item.index);
    if (!session_.options.live) {
        throw base::Error{base::ErrorKind::peer,
                          path.escaped() + ": the source listed it and cannot send it"};
    }
    ++pulled_.vanished;
    if (request.over == staging::Over::something) session_.staging.remove(path);
    // What has further names may have vanished under this one only.
    const auto other = session_.links.lost(static_cast<std::size_t>(request.item.index));
    if (!other) return std::nullopt;
    Requests::Request instead;
    instead.item.index = static_cast<std::int32_t>(*other);
    instead.item.flags = wire::kTransfer;
    instead.over = session_.links.over(*other);
    if (instead.over == staging::Over::nothing) instead.item.flags |= wire::kIsNew;
    return instead;
}

}  // namespace ft::rsync
