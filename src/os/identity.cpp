#include "os/identity.h"

#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "ft/base/error.h"
#include "ft/base/escape.h"
#include "os/accounts.h"

namespace ft::os {
namespace {

/// Changes the effective ids of the calling thread. The C library's functions change those of all threads:
/// so these are the system calls themselves. `last` is what must stand when the rights are given up.
bool become(const Identity& now, bool gives_up_rights) {
    const auto set_user = [&] { return ::syscall(SYS_setresuid, -1, now.user, -1) == 0; };
    if (!gives_up_rights && !set_user()) return false;
    if (::syscall(SYS_setgroups, now.groups.size(), now.groups.data()) != 0) return false;
    if (::syscall(SYS_setresgid, -1, now.group, -1) != 0) return false;
    return !gives_up_rights || set_user();
}

/// Gives the calling thread back what it was.
class Restored {
public:
    Restored() : before_{::geteuid(), ::getegid(), {}, {}} {
        before_.groups.resize(static_cast<std::size_t>(::getgroups(0, nullptr)));
        ::getgroups(static_cast<int>(before_.groups.size()), before_.groups.data());
    }
    ~Restored() {
        if (!become(before_, false)) std::abort();  // nothing that follows could be trusted
    }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

private:
    Identity before_;
};

}  // namespace

Identity identity_of(const std::string& user) {
    const std::optional<User> found = find_user(user);
    if (!found) {
        throw base::Error{base::ErrorKind::unfit,
                          "user " + base::escape(user) + ": does not exist on this server"};
    }
    Identity identity{found->id, found->group, {}, found->home};
    int count = 32;
    do {
        identity.groups.resize(static_cast<std::size_t>(count));
    } while (::getgrouplist(user.c_str(), found->group, identity.groups.data(), &count) < 0);
    identity.groups.resize(static_cast<std::size_t>(count));
    return identity;
}

void act_as(const std::string& user, const std::function<void()>& action) {
    const Identity identity = identity_of(user);
    if (identity.user == ::geteuid()) return action();
    const Restored restored;
    if (!become(identity, true)) throw base::system_error("act as", "user " + user, errno);
    action();
}

}  // namespace ft::os
