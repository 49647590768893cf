#include "ft/tree/owners.h"

#include <functional>
#include <optional>

#include "ft/base/escape.h"

namespace ft::tree {
namespace {

using Lookup = std::function<std::optional<std::uint32_t>(const std::string&)>;

std::map<std::uint32_t, std::uint32_t> map_of(const std::map<std::uint32_t, std::string>& names,
                                              const char* what, const Lookup& lookup,
                                              std::vector<std::string>& unknown) {
    std::map<std::uint32_t, std::uint32_t> result;
    for (const auto& [theirs, name] : names) {
        if (theirs == 0) continue;
        const auto ours = lookup(name);
        if (!ours) {
            unknown.push_back(what + base::escape(name));
        } else if (*ours != 0) {  // a name must not turn someone's files into root's
            result[theirs] = *ours;
        }
    }
    return result;
}

std::uint32_t mapped(const std::map<std::uint32_t, std::uint32_t>& map, std::uint32_t theirs) {
    const auto found = map.find(theirs);
    return found == map.end() ? theirs : found->second;
}

}  // namespace

OwnerMap::OwnerMap(const OwnerNames& names, const os::Accounts& accounts) {
    users_ = map_of(
        names.users, "user ", [&](const std::string& name) { return accounts.user_id(name); }, unknown_);
    groups_ = map_of(
        names.groups, "group ", [&](const std::string& name) { return accounts.group_id(name); }, unknown_);
}

std::uint32_t OwnerMap::user(std::uint32_t theirs) const { return mapped(users_, theirs); }
std::uint32_t OwnerMap::group(std::uint32_t theirs) const { return mapped(groups_, theirs); }
std::vector<std::string> OwnerMap::unknown() const { return unknown_; }

}  // namespace ft::tree
