#include "rsync/generator.h"

#include <algorithm>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/os/read_ahead.h"
#include "rsync/match.h"
#include "rsync/samples.h"

namespace ft::rsync {

using Kind = tree::Difference::Kind;

namespace {

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? "." : path.substr(0, slash);
}

staging::Over over(const tree::Difference& difference) {
    return difference.live ? staging::Over::something : staging::Over::nothing;
}

}  // namespace

Generator::Generator(const Session& session, const tree::Listing& live, const tree::Rules& rules,
                     wire::FrameWriter& out, const wire::IndexWriter& indices)
    : session_{session},
      live_{live},
      rules_{rules},
      out_{out},
      indices_{indices},
      strong_{session.setup.checksum, session.setup.seed, session.setup.seed_first()},
      adopted_(session.wanted.size()),
      touched_(live.size()) {}

Need Generator::measure() {
    const auto samples = samples_of(session_.wanted, rules_, session_.staging);
    for (std::size_t ground = 0; ground < samples.size(); ++ground)
        session_.staging.require_extended(ground, samples[ground]);
    Need need;
    need.grounds.resize(session_.staging.grounds().size());
    need.live_entries = live_.size();
    need.live_files = live_.totals().files;
    need.removed_files = need.live_files;  // less what is found to stay
    if (session_.check != nullptr) count_verified();
    if (session_.links.needed()) {
        compare([&](const tree::Difference& found) { session_.links.note(found); });
        session_.links.decide();
    }
    compare([&](const tree::Difference& found) { count(found, need); });
    session_.progress.bytes_wanted += need.bytes;
    return need;
}

void Generator::compare(const std::function<void(const tree::Difference&)>& report) const {
    if (session_.check == nullptr) return tree::compare(session_.wanted, live_, rules_, report);
    tree::compare(session_.wanted, live_, rules_,
                  [&](const tree::Difference& found) { report(session_.check->judge(found)); });
}

void Generator::count_verified() {
    tree::compare(session_.wanted, live_, rules_, [&](const tree::Difference& found) {
        if (!found.wanted || !found.live) return;
        const bool files = session_.wanted[*found.wanted].object.type == base::FileType::regular &&
                           live_[*found.live].object.type == base::FileType::regular;
        if (!files) return;
        ++verified_files_;
        if (is_equal_by_time(found.kind) && session_.check->judge(found).kind == Kind::content)
            ++differing_files_;
    });
}

void Generator::count(const tree::Difference& found, Need& need) {
    const tree::Difference difference = session_.links.with_links(found);
    note_touched(difference);
    if (difference.kind == Kind::removed) ++need.removals;
    if (!difference.wanted) return;
    const std::size_t wanted = *difference.wanted;
    const tree::Item item = session_.wanted[wanted];
    const base::Object& object = item.object;
    const bool is_file = object.type == base::FileType::regular;
    if (is_file) {
        ++need.listed_files;
        // What goes below a removed or replaced directory is not reported.
        if (found.kind != Kind::added && found.kind != Kind::replaced) --need.removed_files;
    }
    if (difference.kind != Kind::added && difference.kind != Kind::replaced &&
        difference.kind != Kind::content) {
        return;
    }
    if (session_.links.follows(wanted)) return;
    // By size and time, as live files are compared; its content was checked when it came.
    adopted_[wanted] = is_file && session_.can_adopt(wanted);
    if (adopted_[wanted]) return;
    ++need.inodes;
    Need::Room& room = need.grounds[session_.staging.ground_of(base::RelPath{item.path})];
    ++room.inodes;
    if (!is_file) return;
    may_ask_ = true;
    ++session_.progress.files_wanted;
    need.bytes += object.size;
    room.bytes += object.size;
}

// Whatever is placed, exchanged or removed in a directory gives it a new time: it must be set again, even
// where it was right before.
void Generator::note_touched(const tree::Difference& difference) {
    if (difference.kind == Kind::same || difference.kind == Kind::attributes) return;
    const std::string_view path =
        difference.wanted ? session_.wanted[*difference.wanted].path : live_[*difference.live].path;
    if (path == ".") return;
    const auto parent = live_.find(parent_of(path));
    if (parent && live_[*parent].is_directory()) touched_[*parent] = true;
}

void Generator::run() {
    compare([&](const tree::Difference& found) { act(found); });
    // Left are directories that stay only for what the rules exclude in them.
    for (std::size_t live = 0; live < live_.size(); ++live) {
        if (touched_[live]) keep_time(live);
    }
    // The sender answers each but the last, which is its goodbye; none but the first is waited for: what the
    // second phase leaves to ask for is asked for before its end.
    int dones = session_.setup.protocol > 30 ? 5 : 4;
    if (asked_) {
        end_phase(1);
        --dones;
        for (auto again = session_.requests.wait_for_answers(); !again.empty();
             again = session_.requests.wait_for_losses()) {
            for (const Requests::Request& each : again) ask_again(each);
            out_.flush();
        }
    } else {
        session_.requests.close_phase();
    }
    end_phase(dones);
    // No peer waits for what needs none.
    for (const Copy& each : copies_) copy(each.wanted, each.from);
    session_.requests.wait_for_end();
    finish_links();
}

void Generator::ask_again(const Requests::Request& request) {
    const auto basis = request.head.count > 0
                           ? session_.open_basis(session_.path_of(request.item.index), request.live_basis)
                           : nullptr;
    session_.requests.open(request);
    write_request(request, basis.get());
}

void Generator::keep_time(std::size_t live) {
    const tree::Item item = live_[live];
    const auto wanted = session_.wanted.find(item.path);
    // A file that takes the directory's place was reported; only a directory that is not wanted is left.
    if (wanted) return;
    session_.staging.change_attributes(base::RelPath{item.path}, item.object.attributes,
                                       item.object.attributes);
}

void Generator::set_attributes(std::size_t wanted, std::size_t live) {
    const tree::Item item = session_.wanted[wanted];
    const base::Object before = live_[live].object;
    const base::Object& after = item.object;
    const bool stay = base::fits_extended(after.extended, before.extended);
    session_.staging.change_attributes(base::RelPath{item.path}, before.attributes, after.attributes,
                                       stay ? std::string_view{} : before.extended,
                                       stay ? std::string_view{} : after.extended);
}

void Generator::act(const tree::Difference& found) {
    const tree::Difference difference = session_.links.with_links(found);
    if (difference.kind == Kind::removed) {
        return session_.staging.remove(base::RelPath{live_[*difference.live].path});
    }
    const std::size_t wanted = *difference.wanted;
    const tree::Item item = session_.wanted[wanted];
    if (difference.kind == Kind::same || difference.kind == Kind::attributes) {
        const bool touched = touched_[*difference.live];
        touched_[*difference.live] = false;
        if (touched || difference.kind == Kind::attributes) set_attributes(wanted, *difference.live);
    } else if (session_.links.follows(wanted)) {
        return;
    } else if (item.object.type == base::FileType::regular) {
        make_file(wanted, found, difference);
    } else {
        session_.staging.create(base::RelPath{item.path}, over(difference), item.object);
    }
}

void Generator::make_file(std::size_t wanted, const tree::Difference& found,
                          const tree::Difference& difference) {
    if (adopted_[wanted]) return adopt(wanted, over(difference));
    const auto from = session_.links.content_of(wanted, found);
    if (!from) return request(wanted, over(difference), difference.kind == Kind::content);
    copies_.push_back({static_cast<std::uint32_t>(wanted), static_cast<std::uint32_t>(*from)});
}

void Generator::adopt(std::size_t wanted, staging::Over over) {
    const tree::Item item = session_.wanted[wanted];
    if (!session_.staging.adopt(base::RelPath{item.path}, over, item.object.size, item.object.attributes,
                                item.object.extended)) {
        return;
    }
    ++adopted_files_;
    adopted_bytes_ += item.object.size;
    ++session_.progress.files_adopted;
    session_.progress.bytes_adopted += item.object.size;
}

void Generator::copy(std::size_t wanted, std::size_t from) {
    constexpr std::uint64_t kPiece = 16 * 1024 * 1024;  // bytes between looks at whether to go on
    const tree::Item item = session_.wanted[wanted];
    const base::Object& object = item.object;
    const std::string source{session_.wanted[from].path};
    const auto slot =
        session_.staging.create_file(base::RelPath{item.path}, session_.links.over(wanted),
                                     session_.setup.checksum, session_.live_root.open_file(source));
    for (std::uint64_t at = 0; at < object.size;) {
        session_.requests.require_running();
        const std::uint64_t length = std::min(kPiece, object.size - at);
        slot->copy_from_basis(at, length);
        at += length;
        session_.progress.bytes_done += length;
    }
    const base::Object scanned = live_[*live_.find(source)].object;
    const auto now = session_.live_root.status(source);
    if (!now || now->size != scanned.size || now->attributes.mtime != scanned.attributes.mtime) {
        throw base::Error{base::ErrorKind::io, base::escape(source) + ": changed during the run",
                          "Stop what changes this tree, then run the same command again."};
    }
    slot->finish(object.attributes, object.extended);
    ++session_.progress.files_done;
}

void Generator::finish_links() {
    const auto path = [&](std::size_t wanted) { return base::RelPath{session_.wanted[wanted].path}; };
    session_.links.finish([&](std::size_t name, std::size_t leader) {
        session_.requests.require_running();
        session_.staging.link(path(name), session_.links.over(name), path(leader));
    });
}

void Generator::request(std::size_t index, staging::Over over, bool live_file) {
    const auto basis = session_.open_basis(base::RelPath{session_.wanted[index].path}, live_file);
    Requests::Request request;
    request.item.index = static_cast<std::int32_t>(index);
    request.item.flags = wire::kTransfer;
    request.over = over;
    request.live_basis = live_file;
    if (over == staging::Over::nothing) request.item.flags |= wire::kIsNew;
    if (basis) {
        const std::uint64_t length = basis->status().size;
        const std::int32_t digest_bytes = session_.setup.digest_bytes();
        const std::int32_t block = session_.options.block_length;
        request.head =
            wire::choose_blocks(length, digest_bytes, block > 0 ? block : wire::short_block(length));
        if (request.head.count > kMostBlocks) request.head = wire::choose_blocks(length, digest_bytes);
    }
    if (!may_ask_)  // the receiver waits for nothing
        throw base::Error{base::ErrorKind::internal, "a file is asked for that was not counted"};
    asked_ = true;
    session_.requests.open(request);
    write_request(request, basis.get());
}

void Generator::write_request(const Requests::Request& request, const os::File* basis) {
    wire::Writer out;
    wire::write_item(out, indices_, request.item);
    wire::write_sum_head(out, request.head);
    out_.write(out.written());
    if (request.head.count > 0) write_block_sums(request.head, *basis);
}

void Generator::write_block_sums(const wire::SumHead& head, const os::File& basis) {
    constexpr std::size_t kPiece = 1024 * 1024;  // bytes read at a time, about
    const auto length = static_cast<std::size_t>(head.block);
    const std::uint64_t size = head.offset_of(head.count - 1) + head.length_of(head.count - 1);
    os::ReadAhead reading{os::content_of(basis, false), 0, size,
                          std::max<std::size_t>(kPiece / length, 1) * length};
    wire::Writer out;
    for (std::int32_t block = 0; block < head.count;) {
        std::span<const std::byte> piece = reading.next();
        // A basis file that became shorter gives sums of less: the whole-file checksum will tell.
        do {
            const auto here = std::min<std::size_t>(head.length_of(block), piece.size());
            wire::write_block_sum(out, head, wire::block_sum(strong_, head, piece.first(here)));
            piece = piece.subspan(here);
        } while (++block < head.count && !piece.empty());
        out_.write(out.written());
        out.clear();
    }
}

void Generator::end_phase(int dones) {
    session_.requests.close_phase();
    wire::Writer out;
    for (int done = 0; done < dones; ++done) indices_.write(out, wire::kDone);
    out_.write(out.written());
    out_.flush();
}

}  // namespace ft::rsync
