#include "ft/base/acl.h"

#include <algorithm>
#include <tuple>

namespace ft::base {
namespace {

constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kNoId = 0xffffffff;
constexpr std::size_t kEntryBytes = 8;
enum Tag : std::uint16_t {
    kUserObject = 1,
    kUser = 2,
    kGroupObject = 4,
    kGroup = 8,
    kMask = 16,
    kOther = 32
};

void put(std::string& text, std::uint32_t value, int bytes) {
    for (int at = 0; at < bytes; ++at) text += static_cast<char>(value >> 8 * at);
}

std::uint32_t number(std::string_view text, std::size_t at, int bytes) {
    std::uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; --i)
        value = value << 8 | static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
    return value;
}

std::uint8_t bits(std::uint32_t mode, int shift) { return mode >> shift & 7; }

bool take(Acl& acl, std::uint32_t tag, std::uint32_t permissions, std::uint32_t id) {
    const auto value = static_cast<std::uint8_t>(permissions);
    const auto once = [&](std::optional<std::uint8_t>& place) {
        if (place) return false;
        place = value;
        return true;
    };
    switch (tag) {
        case kUserObject:
            return once(acl.user);
        case kGroupObject:
            return once(acl.group);
        case kMask:
            return once(acl.mask);
        case kOther:
            return once(acl.other);
        case kUser:
        case kGroup:
            acl.named.push_back({.id = id, .user = tag == kUser, .permissions = value});
            return true;
        default:
            return false;
    }
}

}  // namespace

std::string to_kernel(const Acl& acl) {
    std::string text;
    const auto entry = [&](Tag tag, std::uint8_t permissions, std::uint32_t id = kNoId) {
        put(text, tag, 2);
        put(text, permissions, 2);
        put(text, id, 4);
    };
    std::vector<Acl::Named> named = acl.named;
    std::sort(named.begin(), named.end(), [](const Acl::Named& a, const Acl::Named& b) {
        return std::tuple{!a.user, a.id, a.permissions} < std::tuple{!b.user, b.id, b.permissions};
    });
    const auto all = [&](bool user) {
        for (const Acl::Named& each : named) {
            if (each.user == user) entry(user ? kUser : kGroup, each.permissions, each.id);
        }
    };
    put(text, kVersion, 4);
    entry(kUserObject, acl.user.value_or(0));
    all(true);
    entry(kGroupObject, acl.group.value_or(0));
    all(false);
    if (acl.mask) entry(kMask, *acl.mask);
    entry(kOther, acl.other.value_or(0));
    return text;
}

std::optional<Acl> from_kernel(std::string_view value) {
    if (value.size() < 4 || (value.size() - 4) % kEntryBytes != 0 || number(value, 0, 4) != kVersion)
        return std::nullopt;
    Acl acl;
    for (std::size_t at = 4; at < value.size(); at += kEntryBytes) {
        const std::uint32_t permissions = number(value, at + 2, 2);
        if (permissions > 7 || !take(acl, number(value, at, 2), permissions, number(value, at + 4, 4)))
            return std::nullopt;
    }
    if (!acl.user || !acl.group || !acl.other) return std::nullopt;
    return acl;
}

void set_mode(Acl& acl, std::uint32_t mode) {
    acl.user = bits(mode, 6);
    acl.other = bits(mode, 0);
    (acl.is_plain() ? acl.group : acl.mask) = bits(mode, 3);
    if (!acl.group) acl.group = bits(mode, 3);
}

std::uint32_t with_acl(std::uint32_t mode, const Acl& acl) {
    const std::uint32_t middle = acl.mask ? *acl.mask : acl.group.value_or(0);
    return (mode & ~0777U) | static_cast<std::uint32_t>(acl.user.value_or(0) << 6) | middle << 3 |
           acl.other.value_or(0);
}

}  // namespace ft::base
