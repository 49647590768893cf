#include "rsync/links.h"

#include <fmt/format.h>

#include "ft/base/error.h"
#include "ft/base/escape.h"

namespace ft::rsync {

using Kind = tree::Difference::Kind;

namespace {

/// The live object becomes the wanted one.
bool stays(Kind kind) { return kind == Kind::same || kind == Kind::attributes; }
/// It has the content of the wanted one.
bool has_content(Kind kind) { return stays(kind) || kind == Kind::renewed; }

}  // namespace

Links::Links(const tree::Listing& wanted, const tree::Listing& live, const staging::Staging& staging)
    : wanted_{wanted},
      live_{live},
      staging_{staging},
      groups_(wanted.groups()),
      claims_(live.groups(), kNone),
      noted_(groups_.empty() ? 0 : wanted.size()) {}

/// Nothing for a name that is alone, or the only one that the rules do not hide.
const Links::Group* Links::group_of(std::size_t wanted) const {
    const auto number = wanted_.group(wanted);
    return number && groups_[*number].names > 1 ? &groups_[*number] : nullptr;
}

void Links::note(const tree::Difference& difference) {
    if (!difference.wanted) return;
    const std::size_t wanted = *difference.wanted;
    const auto number = wanted_.group(wanted);
    if (!number) return;
    noted_[wanted] = true;
    Group& group = groups_[*number];
    const auto live = difference.live ? live_.group(*difference.live) : std::nullopt;
    const auto live_group = static_cast<std::uint32_t>(live.value_or(kNone));
    if (group.names++ == 0) {
        group.first = static_cast<std::uint32_t>(wanted);
        group.live = live_group;
        group.stays = true;
    }
    const std::string_view first = wanted_[group.first].path;
    const tree::Item item = wanted_[wanted];
    if (staging_.ground_of(base::RelPath{item.path}) != staging_.ground_of(base::RelPath{first})) {
        throw base::Error{base::ErrorKind::unfit,
                          base::escape(item.path) + ": is a hard link to " + base::escape(first) +
                              " at the source, and lies on another file system here",
                          "Mount here what is mounted there, or exclude one of them."};
    }
    group.stays = group.stays && stays(difference.kind) && live && live_group == group.live;
    const bool is_file = item.object.type == base::FileType::regular;
    if (is_file && has_content(difference.kind) && group.content == kNone)
        group.content = static_cast<std::uint32_t>(wanted);
    choose_leader(group, wanted, difference);
}

/// Best is what an earlier pull has staged, then what has a basis.
void Links::choose_leader(Group& group, std::size_t wanted, const tree::Difference& difference) const {
    const tree::Item item = wanted_[wanted];
    std::uint8_t rank = 1;
    if (difference.kind == Kind::content) rank = 2;
    if (item.object.type == base::FileType::regular &&
        staging_.can_adopt(base::RelPath{item.path}, item.object.size, item.object.attributes.mtime)) {
        rank = 3;
    }
    if (rank <= group.rank) return;
    group.rank = rank;
    group.leader = static_cast<std::uint32_t>(wanted);
}

void Links::decide() {
    std::vector<std::uint64_t> most;
    for (std::size_t ground = 0; ground < staging_.grounds().size(); ++ground)
        most.push_back(staging_.most_names(ground));
    for (Group& group : groups_) {
        if (group.names < 2) continue;
        if (group.stays) {
            group.stays = claims_[group.live] == kNone;
            claims_[group.live] = kGroup;
        }
        const std::string_view first = wanted_[group.first].path;
        const std::uint64_t here = most[staging_.ground_of(base::RelPath{first})];
        if (group.stays || group.names <= here) continue;
        throw base::Error{
            base::ErrorKind::unfit,
            fmt::format("{}: has {} hard links at the source, and its file system here gives one file {}",
                        base::escape(first), group.names, here),
            "Put the tree on another file system here, or exclude some of its names on both sides."};
    }
}

tree::Difference Links::with_links(const tree::Difference& difference) {
    tree::Difference result = difference;
    if (!difference.wanted) return result;
    const std::size_t wanted = *difference.wanted;
    const bool is_file = wanted_[wanted].object.type == base::FileType::regular;
    if (difference.kind == Kind::renewed) result.kind = is_file ? Kind::content : Kind::replaced;
    if (!needed()) return result;
    const Group* const group = group_of(wanted);
    if (group != nullptr && group->stays) {
        if (wanted != group->first) result.kind = Kind::same;
        return result;
    }
    if (!stays(difference.kind)) return result;
    if (group == nullptr) {
        const auto live = live_.group(*difference.live);
        if (!live) return result;
        if (claims_[*live] == kNone) claims_[*live] = static_cast<std::uint32_t>(wanted);
        if (claims_[*live] == wanted) return result;
    }
    result.kind = is_file ? Kind::content : Kind::replaced;
    return result;
}

bool Links::follows(std::size_t wanted) const {
    const Group* const group = group_of(wanted);
    return group != nullptr && !group->stays && wanted != group->leader;
}

std::optional<std::size_t> Links::content_of(std::size_t wanted, const tree::Difference& before) const {
    const Group* const group = group_of(wanted);
    if (group == nullptr) return has_content(before.kind) ? std::optional{wanted} : std::nullopt;
    return group->content == kNone ? std::nullopt : std::optional<std::size_t>{group->content};
}

staging::Over Links::over(std::size_t wanted) const {
    return live_.find(wanted_[wanted].path) ? staging::Over::something : staging::Over::nothing;
}

/// The first name at `name` or behind it that is not the leader.
std::optional<std::size_t> Links::follower_from(const Group& group, std::optional<std::size_t> name) const {
    while (name && (!noted_[*name] || *name == group.leader)) name = wanted_.next_of(*name);
    return name;
}

std::optional<std::size_t> Links::lost(std::size_t wanted) {
    if (group_of(wanted) == nullptr) return std::nullopt;
    Group& group = groups_[*wanted_.group(wanted)];
    const auto from =
        group.instead == kNone ? std::optional<std::size_t>{group.first} : wanted_.next_of(group.instead);
    const auto next = follower_from(group, from);
    if (next) {
        group.instead = static_cast<std::uint32_t>(*next);
    } else {
        group.gone = true;
    }
    return next;
}

void Links::finish(const std::function<void(std::size_t, std::size_t)>& link) const {
    for (const Group& group : groups_) {
        if (group.names < 2 || group.stays || group.gone) continue;
        const bool led = group.instead == kNone;
        const std::size_t leader = led ? group.leader : group.instead;
        auto name =
            follower_from(group, led ? std::optional<std::size_t>{group.first} : wanted_.next_of(leader));
        for (; name; name = follower_from(group, wanted_.next_of(*name))) link(*name, leader);
    }
}

}  // namespace ft::rsync
