#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ft/os/machine.h"

namespace ft::os {

struct User {
    std::uint32_t id = 0;
    std::uint32_t group = 0;
    std::string home;
};
std::optional<User> find_user(const std::string& name);

/// What Machine::accounts gives.
std::unique_ptr<Accounts> make_accounts(const std::string& root);

}  // namespace ft::os
