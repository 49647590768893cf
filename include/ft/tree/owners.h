#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ft/os/machine.h"

namespace ft::tree {

/// Owner names of a listing, as the sender gave them: number there -> name there.
struct OwnerNames {
    std::map<std::uint32_t, std::string> users;
    std::map<std::uint32_t, std::string> groups;
};

/// Turns the sender's numbers into ours: by name where this machine knows the name, else the number stays.
/// 0 is always 0, and no other number becomes 0 by its name.
class OwnerMap {
public:
    OwnerMap(const OwnerNames& names, const os::Accounts& accounts);
    std::uint32_t user(std::uint32_t theirs) const;
    std::uint32_t group(std::uint32_t theirs) const;
    /// Names that this machine does not know ("user alice", "group web"), for a warning.
    std::vector<std::string> unknown() const;

private:
    std::map<std::uint32_t, std::uint32_t> users_;
    std::map<std::uint32_t, std::uint32_t> groups_;
    std::vector<std::string> unknown_;
};

}  // namespace ft::tree
