#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace ft::os {

/// What a thread or a program is to the system.
struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups;
    std::string home;
};

/// That of a system user, groups included. Error unfit when there is no such user.
Identity identity_of(const std::string& user);

/// Processes::as_user.
void act_as(const std::string& user, const std::function<void()>& action);

}  // namespace ft::os
