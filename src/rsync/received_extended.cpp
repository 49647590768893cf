#include "rsync/received_extended.h"

#include <fmt/format.h>

#include <algorithm>

#include "ft/base/digest.h"
#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "ft/base/extended.h"
#include "ft/wire/items.h"

namespace ft::rsync {

namespace {

/// Bytes of requests that go out before their answers are read: they fit into any buffer on the way, so that
/// neither side waits for the other.
constexpr std::size_t kMostAhead = 8 * 1024;

constexpr std::uint64_t kMostPacked = std::uint64_t{1} << 30;
constexpr std::uint64_t kPackedAnEntry = 1024;
constexpr std::uint32_t kAclBits = 0777;  // of a mode, the part that an ACL shows

/// ACLs go their own way.
bool is_taken(const wire::Xattr& xattr) {
    return base::is_carried(xattr.name) && xattr.name != base::kAccessAcl && xattr.name != base::kDefaultAcl;
}
bool is_to_be_asked_for(const wire::Xattr& xattr) { return !xattr.is_short() && is_taken(xattr); }

struct Asked {
    std::int32_t index = 0;
    const wire::Xattrs* list = nullptr;
    std::vector<std::int32_t> numbers{};
};

}  // namespace

void ReceivedExtended::note(std::size_t arrival, const wire::Entry& entry) {
    const Parts parts{entry.access_acl, entry.default_acl, entry.xattrs};
    if (parts.access == nullptr && parts.defaults == nullptr && parts.xattrs == nullptr) return;
    const auto next = static_cast<std::uint32_t>(parts_.size()) + 1;
    const auto [known, is_new] = known_.try_emplace(parts, next);
    if (is_new) {
        parts_.push_back(parts);
        if (parts.xattrs != nullptr) {
            for (const wire::Xattr& xattr : *parts.xattrs) {
                if (is_to_be_asked_for(xattr)) missing_.insert(key_of(xattr));
            }
        }
    }
    numbers_.resize(arrival + 1);
    numbers_[arrival] = known->second;
}

void ReceivedExtended::find_values(const tree::Listing& live) {
    if (missing_.empty()) return;
    live.for_each_extended([&](std::string_view packed) {
        for (const auto& [name, value] : base::unpack(packed)) {
            const auto near = missing_.lower_bound({static_cast<std::uint32_t>(value.size()), {}});
            if (near == missing_.end() || near->first != value.size()) continue;
            const Key key = key_of(wire::xattr_of(name, value));
            if (missing_.erase(key) > 0) values_.emplace(key, std::string{value});
        }
    });
}

void ReceivedExtended::fetch_values(const tree::Listing& list, bool live, wire::FrameWriter& out,
                                    wire::IndexWriter& requested, wire::Reader& in,
                                    wire::IndexReader& answered) {
    std::vector<Asked> ahead;
    wire::Writer requests;
    const auto read_answers = [&] {
        out.write(requests.written());
        out.flush();
        requests.clear();
        for (const Asked& asked : ahead) {
            const std::int32_t index = answered.read(in, static_cast<std::int32_t>(list.size()));
            const std::string shown = base::escape(list[static_cast<std::size_t>(asked.index)].path);
            if (index != asked.index ||
                wire::read_item(in, index, true) != wire::Item{.index = index, .flags = wire::kReportXattr}) {
                throw base::Error{base::ErrorKind::peer,
                                  shown + ": the source answers another request than ours"};
            }
            for (wire::SentValue& sent : wire::read_values(in, asked.numbers)) {
                const wire::Xattr& wanted = (*asked.list)[static_cast<std::size_t>(sent.number - 1)];
                const bool same = wire::xattr_of(wanted.name, sent.value) == wanted;
                if (!same && !live) {
                    throw base::Error{base::ErrorKind::peer,
                                      fmt::format("{}: its extended attribute {} changed while it was read",
                                                  shown, base::escape(wanted.name))};
                }
                const bool gone = !same && sent.value.empty();
                values_[key_of(wanted)] = gone ? std::nullopt : std::optional{std::move(sent.value)};
            }
        }
        ahead.clear();
    };
    for (std::size_t index = 0; index < list.size() && !missing_.empty(); ++index) {
        const std::size_t arrival = list.arrival(index);
        if (arrival >= numbers_.size() || numbers_[arrival] == 0) continue;
        const wire::Xattrs* const xattrs = parts_[numbers_[arrival] - 1].xattrs;
        Asked asked{.index = static_cast<std::int32_t>(index), .list = xattrs};
        for (std::size_t at = 0; xattrs != nullptr && at < xattrs->size(); ++at) {
            if (is_to_be_asked_for((*xattrs)[at]) && missing_.erase(key_of((*xattrs)[at])) > 0)
                asked.numbers.push_back(static_cast<std::int32_t>(at + 1));
        }
        if (asked.numbers.empty()) continue;
        if (requests.size() + asked.numbers.size() > kMostAhead) read_answers();
        wire::write_item(requests, requested, {.index = asked.index, .flags = wire::kReportXattr});
        wire::write_value_numbers(requests, asked.numbers);
        ahead.push_back(std::move(asked));
    }
    if (!ahead.empty()) read_answers();
}

std::string ReceivedExtended::packed(const Parts& parts, std::uint32_t mode,
                                     const tree::OwnerMap& owners) const {
    std::vector<base::ExtendedAttribute> all;
    const auto mapped = [&](base::Acl acl) {
        for (base::Acl::Named& each : acl.named)
            each.id = each.user ? owners.user(each.id) : owners.group(each.id);
        return base::to_kernel(acl);
    };
    std::string access;
    std::string defaults;
    if (parts.access != nullptr) {
        const base::Acl acl = wire::complete(*parts.access, mode);
        access = acl.is_plain() ? std::string{} : mapped(acl);
        if (!access.empty()) all.push_back({base::kAccessAcl, access});
    }
    if (parts.defaults != nullptr) {
        defaults = mapped(*parts.defaults);
        all.push_back({base::kDefaultAcl, defaults});
    }
    if (parts.xattrs != nullptr) {
        for (const wire::Xattr& xattr : *parts.xattrs) {
            if (!is_taken(xattr)) continue;
            if (xattr.is_short()) {
                all.push_back({xattr.name, xattr.value});
                continue;
            }
            const std::optional<std::string>& value = values_.at(key_of(xattr));
            if (value) all.push_back({xattr.name, *value});
        }
    }
    return base::pack(std::move(all));
}

void ReceivedExtended::settle(tree::Listing& list, const tree::OwnerMap& owners,
                              const base::Cancellation& cancellation) const {
    if (numbers_.empty()) return;
    // Different sets may come out equal, by what is not carried of them: small ones, of an honest source.
    const std::uint64_t most = kMostPacked + kPackedAnEntry * list.size();
    std::uint64_t bytes = 0;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> first;  // by number and mode: who has it
    for (std::size_t index = 0; index < list.size(); ++index) {
        const std::size_t arrival = list.arrival(index);
        if (arrival >= numbers_.size() || numbers_[arrival] == 0) continue;
        cancellation.check();
        const Parts& parts = parts_[numbers_[arrival] - 1];
        const std::uint32_t mode = list[index].object.attributes.mode;
        const bool by_mode = parts.access != nullptr && !parts.access->is_plain();
        const auto [known, is_new] =
            first.try_emplace({numbers_[arrival], by_mode ? mode & kAclBits : 0}, arrival);
        if (!is_new) {
            list.share_extended(arrival, known->second);
            continue;
        }
        const std::string all = packed(parts, mode, owners);
        bytes += all.size();
        if (bytes > most)
            throw wire::malformed("ACLs and extended attributes",
                                  fmt::format("need more than {} bytes", most));
        list.set_extended(arrival, all);
    }
}

}  // namespace ft::rsync
