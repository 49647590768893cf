#include "ft/base/extended.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ft::base {
namespace {

// Each: the name, a NUL, the length of the value in 4 bytes, the value.
using Length = std::uint32_t;

bool has_prefix_and_more(std::string_view name, std::string_view prefix) {
    return name.size() > prefix.size() && name.starts_with(prefix);
}

}  // namespace

bool is_carried(std::string_view name) {
    if (name == kAccessAcl || name == kDefaultAcl) return true;
    // How XFS keeps the two, and lists them once more.
    if (name == "trusted.SGI_ACL_FILE" || name == "trusted.SGI_ACL_DEFAULT") return false;
    if (name == "security.evm" || name.starts_with("user.rsync.%")) return false;
    return has_prefix_and_more(name, "user.") || has_prefix_and_more(name, "trusted.") ||
           has_prefix_and_more(name, "security.");
}

bool is_label(std::string_view name) {
    return name == "security.selinux" || name == "security.ima" || name.starts_with("security.SMACK64");
}

std::string pack(std::vector<ExtendedAttribute> attributes) {
    std::sort(attributes.begin(), attributes.end(),
              [](const ExtendedAttribute& a, const ExtendedAttribute& b) { return a.name < b.name; });
    std::string packed;
    for (const auto& [name, value] : attributes) {
        packed.append(name);
        packed += '\0';
        const auto length = static_cast<Length>(value.size());
        packed.append(reinterpret_cast<const char*>(&length), sizeof length);
        packed.append(value);
    }
    return packed;
}

std::vector<ExtendedAttribute> unpack(std::string_view packed) {
    std::vector<ExtendedAttribute> attributes;
    while (!packed.empty()) {
        const std::size_t end = packed.find('\0');
        Length length = 0;
        std::memcpy(&length, packed.data() + end + 1, sizeof length);
        const std::size_t value = end + 1 + sizeof length;
        attributes.push_back({packed.substr(0, end), packed.substr(value, length)});
        packed.remove_prefix(value + length);
    }
    return attributes;
}

std::optional<std::string_view> find_extended(std::string_view packed, std::string_view name) {
    for (const ExtendedAttribute& each : unpack(packed)) {
        if (each.name == name) return each.value;
    }
    return std::nullopt;
}

std::string with_extended(std::string_view packed, std::string_view name,
                          std::optional<std::string_view> value) {
    std::vector<ExtendedAttribute> all = unpack(packed);
    std::erase_if(all, [&](const ExtendedAttribute& each) { return each.name == name; });
    if (value) all.push_back({name, *value});
    return pack(std::move(all));
}

bool fits_extended(std::string_view wanted, std::string_view found) {
    if (wanted == found) return true;
    if (found.empty()) return false;
    std::vector<ExtendedAttribute> left = unpack(found);
    const std::vector<ExtendedAttribute> right = unpack(wanted);
    std::erase_if(left, [&](const ExtendedAttribute& each) {
        return is_label(each.name) &&
               std::none_of(right.begin(), right.end(),
                            [&](const ExtendedAttribute& other) { return other.name == each.name; });
    });
    return left == right;
}

}  // namespace ft::base
