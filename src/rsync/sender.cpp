#include "rsync/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/base/ticker.h"
#include "ft/wire/file_list.h"
#include "ft/wire/greeting.h"

namespace ft::rsync {

namespace {

constexpr std::size_t kLongestLine = 4096;  // of a message; an escaped path may be four times that
// Of errors, and of all else, each: a client counts the rest by its files. An ft takes 100,000 together, and
// hears of an error by its line alone.
constexpr std::uint64_t kMostLines = 10'000;
constexpr std::size_t kFailuresNamed = 10;
constexpr std::size_t kSentAtOnce = 32 * 1024;  // bytes of the list, while the scan goes on

// What no content has, so that the client finds out and asks once more.
base::Digest wrong_digest(const base::Digest& right) {
    base::Bytes zeros(right.bytes().size());
    if (base::Digest{zeros} == right) zeros.back() = std::byte{1};
    return base::Digest{zeros};
}

/// A third of what the client waits at most.
std::chrono::milliseconds alive_interval(const Options& options) {
    constexpr std::chrono::milliseconds kUsual{base::kAliveInterval};
    if (options.timeout == 0) return kUsual;
    return std::min(kUsual, std::chrono::milliseconds{options.timeout * 1000ull / 3});
}

}  // namespace

Sender::Sender(const Session& session, base::Progress& progress, Served& served)
    : session_{session},
      offer_{session.module, session.options},
      progress_{progress},
      served_{served},
      list_options_{list_options(session.setup, session.options)},
      strong_{session.setup.checksum, session.setup.seed, session.setup.seed_first()},
      compressor_{wire::make_compressor(session.setup.compression, session.setup.protocol,
                                        session.options.compression_level)} {}

void Sender::answer_client() {
    if (offer_.listing().empty()) return session_.out.flush();  // such a client says no more
    answer_requests();
    say_goodbye();
}

void Sender::say(wire::MessageCode code, const std::string& line) {
    std::uint64_t& said = code == wire::MessageCode::error_xfer ? errors_said_ : remarks_said_;
    if (++said > kMostLines) return;
    session_.out.message(code, line.substr(0, kLongestLine) + "\n");
}

void Sender::failed(const std::string& line) {
    if (served_.failed.size() < kFailuresNamed) served_.failed.push_back(line);
    ++served_.failed_count;
}

void Sender::keep_alive() {
    const std::lock_guard lock{writing_};
    session_.out.keep_alive();
}

void Sender::send_list(base::Cancellation& cancellation) {
    wire::EntryEncoder encoder{list_options_};
    {
        const base::Ticker alive{alive_interval(session_.options), [this] { keep_alive(); }};
        offer_.scan([&](wire::Entry& entry, std::size_t index) { send_entry(encoder, entry, index); },
                    cancellation);
    }
    write(std::exchange(entries_, {}));
    times_sent_.resize(offer_.listing().size());
    // A client takes what failed for a part of the list until the list ends.
    tell_problems();
    io_error_ = offer_.io_error();
    io_error_told_ = session_.options.ignore_errors ? 0 : io_error_;
    wire::Writer out;
    encoder.write_end(out, io_error_told_);
    write(out);
    if (wire::has_id_lists(list_options_)) send_owner_names();
    if (!list_options_.safe_end && io_error_told_ != 0) {
        session_.out.message(wire::MessageCode::io_error, io_error_told_);
    }
}

void Sender::send_entry(wire::EntryEncoder& encoder, wire::Entry& entry, std::size_t index) {
    extended_.describe(entry.object, entry);
    const bool follows =
        list_options_.hard_links && entry.first && static_cast<std::size_t>(*entry.first) != index;
    if (list_options_.checksum_bytes > 0 && entry.object.type == base::FileType::regular && !follows)
        entry.checksum = list_sum(entry);
    encoder.write(entries_, entry);
    ++progress_.files_listed;
    if (entries_.size() >= kSentAtOnce) send_entries();
}

void Sender::send_entries() {
    const std::lock_guard lock{writing_};
    write(entries_);
    session_.out.flush();
    entries_.clear();
}

void Sender::tell_problems() {
    for (const std::string& line : offer_.remarks()) say(wire::MessageCode::info, line);
    for (const std::string& line : offer_.problems()) {
        say(wire::MessageCode::error_xfer, line);
        failed(line);
    }
    served_.failed_count = std::max(served_.failed_count, offer_.unreadable());
    served_.vanished += offer_.vanished();
}

/// Of a file that cannot be read: what no content has. Whoever misses it asks for the file, and is told then.
base::Digest Sender::list_sum(const wire::Entry& file) {
    const base::DigestKind kind = session_.setup.list_checksum;
    try {
        const auto content = session_.module.root->open_file(offer_.path_of(file.path));
        return digest_of_file(*content, file.object.size, kind, hashed_);
    } catch (const base::Error& error) {
        if (error.kind() != base::ErrorKind::io && error.kind() != base::ErrorKind::permission) throw;
        return base::Digest{base::Bytes(base::digest_size(kind))};
    }
}

void Sender::send_owner_names() {
    std::set<std::uint32_t> users{0};
    std::set<std::uint32_t> groups{0};
    for (std::size_t index = 0; index < offer_.listing().size(); ++index) {
        const base::Attributes attributes = offer_.listing()[index].object.attributes;
        users.insert(attributes.uid);
        groups.insert(attributes.gid);
    }
    offer_.listing().for_each_extended([&](std::string_view packed) {
        if (!list_options_.acls) return;
        for (const std::string_view name : {base::kAccessAcl, base::kDefaultAcl}) {
            const auto value = base::find_extended(packed, name);
            const auto acl = value ? base::from_kernel(*value) : std::nullopt;
            if (!acl) continue;
            for (const base::Acl::Named& each : acl->named) (each.user ? users : groups).insert(each.id);
        }
    });
    const auto send = [&](const std::set<std::uint32_t>& ids, const auto& name_of) {
        std::vector<wire::IdName> names;
        for (const std::uint32_t id : ids) {
            const std::optional<std::string> name = session_.accounts ? name_of(id) : std::nullopt;
            if (name && !name->empty() && name->size() <= 255) names.push_back({id, *name});
        }
        wire::Writer out;
        wire::write_ids(out, names, list_options_);
        write(out);
    };
    if (list_options_.owners || list_options_.acls)
        send(users, [&](std::uint32_t id) { return session_.accounts->user_name(id); });
    if (list_options_.groups || list_options_.acls)
        send(groups, [&](std::uint32_t id) { return session_.accounts->group_name(id); });
}

std::int32_t Sender::next_index() {
    while (true) {
        const std::int32_t index =
            requested_.read(session_.in, static_cast<std::int32_t>(offer_.listing().size()));
        if (index != wire::kDeleteStats) return index;
        wire::Writer echo;  // it may come at any time
        answered_.write(echo, index);
        wire::write_delete_statistics(echo, wire::read_delete_statistics(session_.in));
        write(echo);
    }
}

void Sender::write_done() {
    wire::Writer out;
    answered_.write(out, wire::kDone);
    write(out);
}

void Sender::answer_requests() {
    for (int phase = 0; phase < 3;) {
        const std::int32_t index = next_index();
        if (index >= 0) {
            answer(wire::read_item(session_.in, index, session_.options.xattrs), phase);
        } else if (++phase < 3) {
            write_done();
        }
    }
}

void Sender::answer(const wire::Item& item, int phase) {
    const bool transfer = (item.flags & wire::kTransfer) != 0;
    if (transfer) {
        const auto index = static_cast<std::size_t>(item.index);
        if (offer_.listing()[index].object.type != base::FileType::regular) {
            throw wire::malformed("request", fmt::format("names entry {}, which is no file", index));
        }
        if (phase > 1 || ++times_sent_[index] > 2) {
            throw wire::malformed("request", fmt::format("names file {} once too often", index));
        }
    }
    std::vector<std::int32_t> values;
    if (has_value_request(item)) {
        const base::Object object = offer_.listing()[static_cast<std::size_t>(item.index)].object;
        values = wire::read_value_numbers(session_.in, extended_.xattrs(object));
    }
    if (transfer && !session_.options.dry_run) {
        return send_file(item, values, BlockSums{session_.in, session_.setup.digest_bytes()});
    }
    wire::Writer echo;
    write_echo(echo, item, values);
    write(echo);
}

/// A name that the client links by itself carries none, for clients of old.
bool Sender::has_value_request(const wire::Item& item) const {
    if ((item.flags & wire::kReportXattr) == 0 || session_.options.dry_run) return false;
    constexpr std::uint16_t kLinked = wire::kXnameFollows | wire::kLocalChange;
    const bool left_out = session_.setup.protocol > 30 &&
                          (session_.setup.compat & wire::kAvoidXattrOptim) == 0 &&
                          (item.flags & kLinked) == kLinked;
    return !left_out;
}

void Sender::write_echo(wire::Writer& out, const wire::Item& item, const std::vector<std::int32_t>& values) {
    wire::write_item(out, answered_, item);
    if (!has_value_request(item)) return;
    extended_.answer(out, offer_.listing()[static_cast<std::size_t>(item.index)].object, values);
}

void Sender::send_file(const wire::Item& item, const std::vector<std::int32_t>& values,
                       const BlockSums& sums) {
    const std::string path = offer_.path_of(offer_.listing()[static_cast<std::size_t>(item.index)].path);
    std::unique_ptr<const os::File> file;
    os::Status before;
    try {
        file = session_.module.root->open_file(path);
        before = file->status();
    } catch (const base::Error& error) {
        return cannot_send(item, path, error.what());
    }
    wire::Writer head;
    write_echo(head, item, values);
    wire::write_sum_head(head, sums.head());
    write(head);
    wire::TokenWriter tokens{session_.out, compressor_.get()};
    const SentContent sent = send_content(*file, before, sums, strong_, session_.setup.checksum, tokens,
                                          [this] { session_.out.keep_alive(); });
    session_.out.write((sent.shorter ? wrong_digest(sent.digest) : sent.digest).bytes());
    if (!sent.fault.empty()) {
        io_error_ |= wire::kIoGeneral;
        failed(sent.fault);
        say(wire::MessageCode::error_xfer, sent.fault);
    } else {
        note_change(before, file->status(), item, path);
    }
    ++served_.files_sent;
    served_.bytes_literal += sent.literal;
    ++progress_.files_done;
    progress_.bytes_done += sent.literal + sent.matched;
    progress_.bytes_literal += sent.literal;
}

/// Content that was read while it changed may be of no moment, and is not that of the listed time.
void Sender::note_change(const os::Status& before, const os::Status& after, const wire::Item& item,
                         const std::string& path) {
    const base::Object listed = offer_.listing()[static_cast<std::size_t>(item.index)].object;
    if (before.size == listed.size && before.attributes.mtime == listed.attributes.mtime &&
        after.size == before.size && after.attributes.mtime == before.attributes.mtime &&
        after.ctime == before.ctime) {
        return;
    }
    ++served_.changed;
    const std::string line = base::escape(path) + ": changed while it was read";
    if (session_.module.live) return say(wire::MessageCode::warning, line);
    io_error_ |= wire::kIoGeneral;
    failed(line);
    say(wire::MessageCode::error_xfer, line);
}

void Sender::cannot_send(const wire::Item& item, const std::string& path, const std::string& why) {
    const auto status = session_.module.root->status(path);
    if (!status || status->type != base::FileType::regular) {  // the file of the list is gone either way
        io_error_ |= wire::kIoVanished;
        ++served_.vanished;
        say(wire::MessageCode::warning, fmt::format("file has vanished: {}", base::escape(path)));
    } else {
        io_error_ |= wire::kIoGeneral;
        failed(why);
        say(wire::MessageCode::error_xfer, why);
    }
    session_.out.message(wire::MessageCode::no_send, item.index);
}

void Sender::say_goodbye() {
    if (io_error_ != io_error_told_ && !session_.options.ignore_errors) {
        session_.out.message(wire::MessageCode::io_error, io_error_);
    }
    write_done();
    wire::Writer out;
    wire::write_statistics(out, {.bytes_read = static_cast<std::int64_t>(session_.channel.bytes_read()),
                                 .bytes_written = static_cast<std::int64_t>(session_.channel.bytes_written()),
                                 .total_size = static_cast<std::int64_t>(offer_.listing().totals().bytes)});
    write(out);
    const auto expect_done = [&] {
        if (next_index() >= 0) throw wire::malformed("end of the session", "is followed by a request");
    };
    if (session_.setup.protocol > 30) {
        expect_done();
        write_done();
    }
    expect_done();
    session_.out.flush();
}

}  // namespace ft::rsync
