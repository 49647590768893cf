#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ft/system/manifest.h"

namespace ft::system {

/// A line of an account file, split at its colons.
struct AccountLine {
    std::vector<std::string> fields;

    const std::string& name() const { return fields.front(); }
    std::string text() const;
};

/// A line of passwd or group.
struct NumberedLine : AccountLine {
    std::uint32_t id = 0;
    std::uint32_t group = 0;  ///< of users
};

/// A line of subuid or subgid: a range of numbers for `name()`, which may be a number itself.
struct RangeLine : AccountLine {
    std::uint64_t start = 0;
    std::uint64_t count = 0;
    std::uint64_t end() const { return start + count; }
};

/// An account file: what its lines say, in their order.
template <typename Line>
struct ParsedFile {
    std::vector<Line> lines{};
    std::vector<std::string> others{};    ///< no accounts: blank, comments, and the faulty ones
    std::vector<std::string> faults{};    ///< one line each, escaped
    std::vector<std::string> repeated{};  ///< names that an earlier line has: left out; as faults

    const Line* find(const std::string& name) const {
        const auto at = by_name.find(name);
        return at == by_name.end() ? nullptr : &lines[at->second];
    }
    bool has(const std::string& name) const { return by_name.contains(name); }
    std::map<std::string, std::size_t> by_name{};  ///< position of the first line; empty for ranges
};

/// All account files of one side.
struct ParsedAccounts {
    ParsedFile<NumberedLine> users;
    ParsedFile<AccountLine> shadow;
    ParsedFile<NumberedLine> groups;
    ParsedFile<AccountLine> gshadow;
    ParsedFile<RangeLine> subuid;
    ParsedFile<RangeLine> subgid;

    std::vector<std::string> faults() const;
    std::vector<std::string> repeated() const;
};
ParsedAccounts parse(const AccountFiles& files);

// Positions in a line's fields.
inline constexpr std::size_t kPasswordField = 1;
inline constexpr std::size_t kIdField = 2;             // passwd, group
inline constexpr std::size_t kUserGroupField = 3;      // passwd
inline constexpr std::size_t kMembersField = 3;        // group, gshadow
inline constexpr std::size_t kAdministratorField = 2;  // gshadow

/// The members of a group's line: names between commas.
std::vector<std::string> split_members(std::string_view text);
std::string join_members(const std::vector<std::string>& members);

inline constexpr std::uint32_t kFirstRegular = 1000;
inline constexpr std::uint32_t kLastRegular = 65533;
inline bool is_regular(std::uint32_t id) { return id >= kFirstRegular && id <= kLastRegular; }

}  // namespace ft::system
