#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ft::base {

/// A POSIX access control list. Permissions are r=4, w=2, x=1.
struct Acl {
    struct Named {
        std::uint32_t id = 0;
        bool user = false;  ///< else a group
        std::uint8_t permissions = 0;
        std::string name{};  ///< of `id`, where a list with names in its entries gives it
        bool operator==(const Named& with) const {
            return id == with.id && user == with.user && permissions == with.permissions;
        }
    };
    std::optional<std::uint8_t> user{};  ///< the owner's
    std::optional<std::uint8_t> group{};
    std::optional<std::uint8_t> mask{};
    std::optional<std::uint8_t> other{};
    std::vector<Named> named{};
    bool operator==(const Acl&) const = default;
    /// Says no more than a mode does.
    bool is_plain() const { return named.empty() && !mask; }
};

/// As the kernel takes and gives it (the value of system.posix_acl_*), named entries in the order of their
/// ids. What `acl` leaves out of user, group and other is 0.
std::string to_kernel(const Acl& acl);
/// Nothing when `value` is not what a kernel gives.
std::optional<Acl> from_kernel(std::string_view value);

/// The ACL of an object with that mode, which wins: a file's group bits are the mask where there is one.
void set_mode(Acl& acl, std::uint32_t mode);
/// `mode` with the nine bits that an object with that access ACL shows.
std::uint32_t with_acl(std::uint32_t mode, const Acl& acl);

}  // namespace ft::base
