#include "rsync/file_sums.h"

#include <algorithm>

#include "ft/os/read_ahead.h"

namespace ft::rsync {

using Kind = tree::Difference::Kind;

void HashedBytes::add(std::uint64_t bytes) {
    since_alive_ += bytes;
    if (since_alive_ < kAtOnce) return;
    since_alive_ = 0;
    alive_();
}

base::Digest digest_of_file(const os::File& file, std::uint64_t size, base::DigestKind kind,
                            HashedBytes& hashed) {
    constexpr std::size_t kPiece = 1024 * 1024;  // bytes read at a time
    base::Hasher hasher{kind};
    os::ReadAhead reading{os::content_of(file, file.status().allocated < size), 0, size, kPiece};
    hashed.begin_file();
    for (auto piece = reading.next(); !piece.empty(); piece = reading.next()) {
        hasher.update(piece);
        hashed.add(piece.size());
    }
    return hasher.finish();
}

void FileSums::set(std::size_t arrival, const base::Digest& digest) {
    if (sums_.size() <= arrival) {
        sums_.resize(arrival + 1);
        known_.resize(arrival + 1);
    }
    std::copy(digest.bytes().begin(), digest.bytes().end(), sums_[arrival].begin());
    known_[arrival] = !digest.bytes().empty();
}

base::Digest FileSums::of(std::size_t arrival) const {
    if (arrival >= known_.size() || !known_[arrival]) return {};
    return base::Digest{std::span{sums_[arrival]}.first(base::digest_size(kind_))};
}

FileSums sums_of(const os::Directory& root, const tree::Listing& listing, base::DigestKind kind,
                 std::atomic<std::uint64_t>& read, base::Cancellation& cancellation) {
    FileSums sums{kind};
    HashedBytes hashed{[&] { cancellation.check(); }};
    for (std::size_t index = 0; index < listing.size(); ++index) {
        cancellation.check();
        const tree::Item item = listing[index];
        const auto group = listing.group(index);
        const std::size_t first = group ? listing.first_of(*group) : index;
        if (item.object.type != base::FileType::regular) continue;
        if (first != index) {
            sums.set(listing.arrival(index), sums.of(listing.arrival(first)));
            continue;
        }
        const auto file = root.open_file(std::string{item.path});
        sums.set(listing.arrival(index), digest_of_file(*file, item.object.size, kind, hashed));
        read += item.object.size;
    }
    return sums;
}

bool is_equal_by_time(Kind kind) {
    return kind == Kind::same || kind == Kind::attributes || kind == Kind::renewed;
}

tree::Difference ContentCheck::judge(const tree::Difference& found) const {
    tree::Difference judged = found;
    if (!found.wanted || !found.live) return judged;
    const bool by_time = is_equal_by_time(found.kind);
    if (!by_time && found.kind != Kind::content) return judged;
    const tree::Item wanted = wanted_[*found.wanted];
    const tree::Item live = live_[*found.live];
    if (wanted.object.type != base::FileType::regular || live.object.type != base::FileType::regular)
        return judged;
    const bool equal = wanted.object.size == live.object.size &&
                       theirs_.of(wanted_.arrival(*found.wanted)) == ours_.of(live_.arrival(*found.live));
    if (by_time && !equal) judged.kind = Kind::content;
    // What has extended attributes is made anew, from blocks that are here: a change of owner where it stands
    // would take capabilities away.
    const bool plain = wanted.object.extended.empty() && live.object.extended.empty();
    if (!by_time && equal && plain) judged.kind = Kind::attributes;
    return judged;
}

}  // namespace ft::rsync
