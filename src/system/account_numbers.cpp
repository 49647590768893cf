#include "system/account_numbers.h"

#include "system/account_lines.h"

namespace ft::system {
namespace {

template <typename Map>
std::optional<std::uint32_t> value_in(const Map& map, const typename Map::key_type& key) {
    const auto at = map.find(key);
    return at == map.end() ? std::nullopt : std::optional{at->second};
}

}  // namespace

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

std::optional<std::uint32_t> AccountNumbers::of(const std::string& name) const {
    return value_in(by_name_, name);
}

std::optional<std::uint32_t> AccountNumbers::ours(std::uint32_t theirs) const {
    return value_in(ours_, theirs);
}

}  // namespace ft::system
