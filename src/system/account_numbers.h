#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace ft::system {

/// The numbers of users, or of groups, while two machines' are merged.
class AccountNumbers {
public:
    /// Nobody new gets `id`.
    void take(std::uint32_t id) { taken_.insert(id); }
    bool is_taken(std::uint32_t id) const { return taken_.contains(id); }
    /// A free number of the kind of `like`, taken now; nothing when there is none.
    std::optional<std::uint32_t> free_one(std::uint32_t like);

    /// Who has the number `theirs` at the source has `ours` here. Of several names of one number there, the
    /// first counts.
    void map(std::uint32_t theirs, std::uint32_t ours) { ours_.emplace(theirs, ours); }

    /// What the source's number is here; nothing when no account of the source had it.
    std::optional<std::uint32_t> ours(std::uint32_t theirs) const;

private:
    std::set<std::uint32_t> taken_;
    std::map<std::uint32_t, std::uint32_t> ours_;
};

}  // namespace ft::system
