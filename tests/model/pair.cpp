#include "model/pair.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "ft/base/acl.h"
#include "ft/base/extended.h"

namespace ft::model {
namespace {

using base::FileType;

FileType type_of(char letter) {
    switch (letter) {
        case 'd':
            return FileType::directory;
        case 'f':
        case 'g':
        case 'h':
            return FileType::regular;
        case 'l':
        case 'k':
            return FileType::symlink;
        case 'c':
            return FileType::character_device;
        case 'b':
            return FileType::block_device;
        case 'p':
            return FileType::fifo;
        case 's':
            return FileType::socket;
        default:
            throw std::invalid_argument{std::string{"no kind of object: "} + letter};
    }
}

std::string content_of(char letter) {
    switch (letter) {
        case 'f':
            return "first";
        case 'g':
            return "another content";
        case 'h':
            return "of two names";
        case 'l':
            return "a";
        case 'k':
            return "nowhere/else";
        case 'c':
            return "1:3";
        case 'b':
            return "7:1";
        default:
            return "";
    }
}

/// Attributes number `number`: each differs from the next in one or more of mode, owner and time.
os::Attributes attributes_of(std::size_t number, bool later) {
    os::Attributes is{.mode = 0700U + static_cast<std::uint32_t>(number % 3) * 011,
                      .uid = static_cast<std::uint32_t>(number % 2) * 7,
                      .gid = static_cast<std::uint32_t>(number % 2) * 8,
                      .mtime = {.seconds = 100 + static_cast<std::int64_t>(number), .nanoseconds = 5}};
    if (!later) return is;
    if (number % 4 != 0) is.mtime.seconds += 1000;
    if (number % 4 != 1) is.mode ^= 0050;
    if (number % 4 == 2) is.uid += 1;
    return is;
}

/// ACLs and attributes of object `number`: of every third none, an ACL or an attribute; later, every second
/// has other ones, the next none or some where it had none.
std::string extended_of(std::size_t number, bool later, const os::Attributes& is, FileType type) {
    const std::size_t kind = (number + (later && number % 4 == 3 ? 1 : 0)) % 3;
    const bool another = later && number % 2 == 0;
    if (kind == 0) return {};
    if (kind == 1 || type == FileType::symlink) return base::pack({{"trusted.t", another ? "later" : "t"}});
    base::Acl acl{.group = 5, .named = {{.id = another ? 2U : 1U, .user = true, .permissions = 6}}};
    base::set_mode(acl, is.mode);
    const std::string text = base::to_kernel(acl);
    if (type != FileType::directory) return base::pack({{base::kAccessAcl, text}});
    return base::pack({{base::kAccessAcl, text}, {base::kDefaultAcl, text}});
}

/// Letters as `letter` reads a place.
template <typename Letter, typename Later>
Replica replica_of(const std::vector<Place>& places, const Letter& letter, const Later& later) {
    Replica replica;
    std::string group;
    std::size_t number = 0;
    std::size_t first = 0;
    for (const Place& place : places) {
        ++number;
        const char is = letter(place);
        if (is == '-') continue;
        Member member{.object = {type_of(is), attributes_of(number, later(place)), content_of(is)}};
        member.object.extended =
            extended_of(number, later(place), member.object.attributes, member.object.type);
        if (is == 'h') {
            if (group.empty()) {
                group = place.path;
                first = number;
            }
            const auto is_one = [&](const Place& other) { return letter(other) == 'h'; };
            const bool changes = std::any_of(places.begin(), places.end(), [&](const Place& other) {
                return is_one(other) && later(other);
            });
            member.object.attributes = attributes_of(first, changes);
            member.object.extended =
                extended_of(first, changes, member.object.attributes, member.object.type);
            if (std::count_if(places.begin(), places.end(), is_one) > 1) member.group = group;
        }
        if (member.object.type == FileType::symlink) {
            member.object.attributes.mode = 0;
            if (later(place)) member.object.attributes.uid += 2;
        }
        replica.emplace(place.path, std::move(member));
    }
    if (!replica.contains("."))
        replica.emplace(".", Member{{FileType::directory, attributes_of(0, false), ""}});
    return replica;
}

}  // namespace

Pair Pair::parse(std::string_view text) {
    Pair pair;
    std::istringstream words{std::string{text}};
    for (std::string word; words >> word;) {
        if (word == "+db") {
            pair.database = true;
        } else if (word == "+name") {
            pair.host_name = true;
        } else if (word == "+etc") {
            pair.second_tree = true;
        } else {
            const std::size_t colon = word.find(':');
            const std::string change = colon == std::string::npos ? "" : word.substr(colon + 1);
            const bool fits = change.size() >= 3 && change[1] == '>' &&
                              (change.size() == 3 || (change.size() == 4 && change[3] == '*'));
            if (!fits) throw std::invalid_argument{"no place of a pair: " + word};
            pair.places.push_back({word.substr(0, colon), change[0], change[2], change.size() == 4});
        }
    }
    return pair;
}

std::string Pair::text() const {
    std::string text;
    for (const Place& place : places) {
        if (!text.empty()) text += ' ';
        text += place.path + ':' + place.before + '>' + place.after + (place.attributes ? "*" : "");
    }
    for (const auto& [set, word] :
         {std::pair{database, " +db"}, {host_name, " +name"}, {second_tree, " +etc"}}) {
        if (set) text += word;
    }
    return text;
}

Replica Pair::before() const {
    return replica_of(
        places, [](const Place& place) { return place.before; }, [](const Place&) { return false; });
}

// An object of another letter has attributes of its own, but for every other place, where a file has the
// same time and another content.
Replica Pair::after() const {
    return replica_of(
        places, [](const Place& place) { return place.after; },
        [](const Place& place) {
            if (place.before == place.after) return place.attributes;
            return place.path.back() % 2 == 0;
        });
}

}  // namespace ft::model
