#include "ft/staging/change_list.h"

namespace ft::staging {

std::uint32_t ExtendedChanges::add(std::string_view before, std::string_view after) {
    if (before == after) return 0;
    const auto next = static_cast<std::uint32_t>(changes_.size()) + 1;
    const auto [known, is_new] = numbers_.try_emplace({std::string{before}, std::string{after}}, next);
    if (is_new) changes_.push_back({std::string{before}, std::string{after}});
    return known->second;
}

const ExtendedChanges::Change* ExtendedChanges::find(std::uint32_t number) const {
    return number == 0 ? nullptr : &changes_.at(number - 1);
}

}  // namespace ft::staging
