#include "ft/tree/listing.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "ft/base/error.h"

namespace ft::tree {
namespace {

constexpr std::size_t kRecordsABlock = 4096;
constexpr std::size_t kTextBlock = 256 * 1024;  // bytes
constexpr std::size_t kMostEntries = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMostExtended = std::size_t{1} << 30;  // bytes of all that differ
constexpr std::size_t kExtendedRoom = 96;                    // bytes about each, besides its own
constexpr std::size_t kLongestText = std::numeric_limits<std::uint16_t>::max();

bool is_device(base::FileType type) {
    return type == base::FileType::character_device || type == base::FileType::block_device;
}

}  // namespace

struct Listing::Record {
    std::uint64_t place;  // of the path, directly followed by the link's target
    std::int64_t seconds;
    std::uint64_t size;  // of devices: both numbers
    std::uint32_t nanoseconds;
    std::uint32_t uid;
    std::uint32_t gid;
    std::uint32_t extended;  // number in extended_, 0: none
    std::uint16_t path_length;
    std::uint16_t target_length;
    std::uint16_t mode;
    base::FileType type;
    bool pinned : 1;
    bool mount_point : 1;
    bool ground : 1;
    bool linked : 1;
};

/// Before sort: arrival positions of a further name and of the first one. Then: sorted positions.
struct Listing::Link {
    std::uint32_t position;
    std::uint32_t group;  // before sort: the first name
    std::uint32_t next;   // of the same group; 0, which is the root's: none
};

Listing::Listing() = default;
Listing::~Listing() = default;
Listing::Listing(Listing&&) noexcept = default;
Listing& Listing::operator=(Listing&&) noexcept = default;

const Listing::Record& Listing::record(std::size_t arrival) const {
    return records_[arrival / kRecordsABlock][arrival % kRecordsABlock];
}
Listing::Record& Listing::record(std::size_t arrival) {
    return records_[arrival / kRecordsABlock][arrival % kRecordsABlock];
}

std::string_view Listing::text(std::uint64_t place, std::size_t length) const {
    return {texts_[place / kTextBlock].get() + place % kTextBlock, length};
}

std::uint64_t Listing::keep(std::string_view a, std::string_view b) {
    if (texts_.empty() || kTextBlock - text_used_ < a.size() + b.size()) {
        texts_.push_back(std::make_unique_for_overwrite<char[]>(kTextBlock));
        text_used_ = 0;
    }
    char* const to = texts_.back().get() + text_used_;
    const std::uint64_t place = (texts_.size() - 1) * kTextBlock + text_used_;
    std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), to));
    text_used_ += a.size() + b.size();
    return place;
}

void Listing::add(std::string_view path, const base::Object& object, bool pinned) {
    if (path.size() > kLongestText || object.link_target.size() > kLongestText) {
        throw base::Error{base::ErrorKind::internal,
                          "a path or link target above 65535 bytes in a file list"};
    }
    if (order_.size() == kMostEntries) {
        throw base::Error{base::ErrorKind::unfit, "more than 2147483647 objects in one tree"};
    }
    if (records_.empty() || records_.back().size() == kRecordsABlock) {
        records_.emplace_back().reserve(kRecordsABlock);
    }
    const std::uint64_t numbers =
        std::uint64_t{object.device_major} << 32 | std::uint64_t{object.device_minor};
    records_.back().push_back({
        .place = keep(path, object.link_target),
        .seconds = object.attributes.mtime.seconds,
        .size = is_device(object.type) ? numbers : object.size,
        .nanoseconds = object.attributes.mtime.nanoseconds,
        .uid = object.attributes.uid,
        .gid = object.attributes.gid,
        .extended = keep_extended(object.extended),
        .path_length = static_cast<std::uint16_t>(path.size()),
        .target_length = static_cast<std::uint16_t>(object.link_target.size()),
        .mode = static_cast<std::uint16_t>(object.attributes.mode),
        .type = object.type,
        .pinned = pinned,
        .mount_point = false,
        .ground = false,
        .linked = false,
    });
    order_.push_back(static_cast<std::uint32_t>(order_.size()));
}

std::uint32_t Listing::keep_extended(std::string_view packed) {
    if (packed.empty()) return 0;
    const auto known = extended_numbers_.find(packed);
    if (known != extended_numbers_.end()) return known->second;
    extended_bytes_ += packed.size();
    if (extended_bytes_ > kMostExtended) {
        throw base::Error{base::ErrorKind::unfit,
                          "more than 1 GiB of different ACLs and extended attributes in one tree"};
    }
    extended_.emplace_back(packed);
    return extended_numbers_[extended_.back()] = static_cast<std::uint32_t>(extended_.size());
}

void Listing::set_extended(std::size_t arrival, std::string_view packed) {
    record(arrival).extended = keep_extended(packed);
}

void Listing::share_extended(std::size_t arrival, std::size_t with) {
    record(arrival).extended = record(with).extended;
}

void Listing::for_each_extended(const std::function<void(std::string_view)>& visit) const {
    for (const std::string& each : extended_) visit(each);
}

void Listing::pin(std::size_t arrival) { record(arrival).pinned = true; }

void Listing::mark_mount_point(std::size_t arrival) {
    record(arrival).mount_point = true;
    record(arrival).pinned = true;
}

void Listing::mark_ground(std::size_t arrival) {
    record(arrival).ground = true;
    record(arrival).pinned = true;
}

void Listing::set_owner(std::size_t arrival, std::uint32_t uid, std::uint32_t gid) {
    record(arrival).uid = uid;
    record(arrival).gid = gid;
}

void Listing::link(std::size_t arrival, std::size_t first) {
    record(arrival).linked = record(first).linked = true;
    links_.push_back({static_cast<std::uint32_t>(arrival), static_cast<std::uint32_t>(first), 0});
}

void Listing::sort() {
    const auto before = [this](std::uint32_t a, std::uint32_t b) {
        const Record& first = record(a);
        const Record& second = record(b);
        return compare_paths(text(first.place, first.path_length), first.type == base::FileType::directory,
                             text(second.place, second.path_length),
                             second.type == base::FileType::directory) < 0;
    };
    // A scan arrives in order.
    if (!std::is_sorted(order_.begin(), order_.end(), before)) {
        std::stable_sort(order_.begin(), order_.end(), before);
    }
    if (!links_.empty()) sort_links();
}

void Listing::sort_links() {
    std::vector<std::uint32_t> sorted_of(order_.size());  // arrival position -> sorted position
    for (std::uint32_t position = 0; position < order_.size(); ++position)
        sorted_of[order_[position]] = position;
    // Each group becomes a row of its own, the first name among the further ones, in sorted order.
    std::sort(links_.begin(), links_.end(), [](const Link& a, const Link& b) { return a.group < b.group; });
    const std::size_t further = links_.size();
    for (std::size_t i = 0; i < further; ++i) {
        if (i == 0 || links_[i].group != links_[i - 1].group)
            links_.push_back({links_[i].group, links_[i].group, 0});
    }
    for (Link& link : links_) link.position = sorted_of[link.position];
    std::sort(links_.begin(), links_.end(), [](const Link& a, const Link& b) {
        return std::pair{a.group, a.position} < std::pair{b.group, b.position};
    });
    std::uint32_t first = 0;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        if (i == 0 || links_[i].group != first) {
            first = links_[i].group;
            firsts_.push_back(links_[i].position);
        }
        const bool more = i + 1 < links_.size() && links_[i + 1].group == first;
        links_[i].next = more ? links_[i + 1].position : 0;
        links_[i].group = static_cast<std::uint32_t>(firsts_.size() - 1);
    }
    std::sort(links_.begin(), links_.end(),
              [](const Link& a, const Link& b) { return a.position < b.position; });
    links_.shrink_to_fit();
}

const Listing::Link* Listing::link_at(std::size_t index) const {
    if (!record(order_[index]).linked) return nullptr;
    return &*std::lower_bound(links_.begin(), links_.end(), index,
                              [](const Link& link, std::size_t wanted) { return link.position < wanted; });
}

std::optional<std::size_t> Listing::group(std::size_t index) const {
    const Link* const link = link_at(index);
    return link == nullptr ? std::nullopt : std::optional<std::size_t>{link->group};
}

std::optional<std::size_t> Listing::next_of(std::size_t index) const {
    const Link* const link = link_at(index);
    return link == nullptr || link->next == 0 ? std::nullopt : std::optional<std::size_t>{link->next};
}

Item Listing::operator[](std::size_t index) const {
    const Record& from = record(order_[index]);
    Item item;
    item.path = text(from.place, from.path_length);
    item.object.type = from.type;
    item.object.attributes = {from.mode, from.uid, from.gid, {from.seconds, from.nanoseconds}};
    if (is_device(from.type)) {
        item.object.device_major = static_cast<std::uint32_t>(from.size >> 32);
        item.object.device_minor = static_cast<std::uint32_t>(from.size);
    } else {
        item.object.size = from.size;
    }
    item.object.link_target = text(from.place + from.path_length, from.target_length);
    if (from.extended != 0) item.object.extended = extended_[from.extended - 1];
    item.pinned = from.pinned;
    item.mount_point = from.mount_point;
    item.ground = from.ground;
    item.linked = from.linked;
    return item;
}

std::string_view Listing::path_at(std::size_t index) const {
    const Record& from = record(order_[index]);
    return text(from.place, from.path_length);
}

bool Listing::is_directory_at(std::size_t index) const {
    return record(order_[index]).type == base::FileType::directory;
}

Totals Listing::totals() const {
    Totals totals;
    for (std::size_t i = 0; i < size(); ++i) {
        const Record& entry = record(i);
        ++totals.entries;
        if (entry.type == base::FileType::directory) ++totals.directories;
        if (entry.type != base::FileType::regular) continue;
        ++totals.files;
        totals.bytes += entry.size;
    }
    return totals;
}

std::size_t Listing::memory() const {
    return records_.size() * kRecordsABlock * sizeof(Record) + texts_.size() * kTextBlock +
           order_.capacity() * sizeof(order_[0]) + links_.capacity() * sizeof(Link) +
           firsts_.capacity() * sizeof(firsts_[0]) + extended_bytes_ + extended_.size() * kExtendedRoom;
}

}  // namespace ft::tree
