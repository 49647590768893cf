#include "system/account_numbers.h"

#include "system/account_lines.h"

namespace ft::system {

std::optional<std::uint32_t> AccountNumbers::free_one(std::uint32_t like) {
    // As adduser and useradd look for them: packages from below the regular ones downwards, people upwards.
    if (is_regular(like)) {
        for (std::uint32_t id = kFirstRegular; id <= kLastRegular; ++id) {
            if (taken_.insert(id).second) return id;
        }
    } else {
        for (std::uint32_t id = kFirstRegular - 1; id > 0; --id) {
            if (taken_.insert(id).second) return id;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> AccountNumbers::ours(std::uint32_t theirs) const {
    const auto at = ours_.find(theirs);
    return at == ours_.end() ? std::nullopt : std::optional{at->second};
}

}  // namespace ft::system
