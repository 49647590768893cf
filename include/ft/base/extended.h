#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ft::base {

// The extended attributes of an object, its ACLs among them. Many objects share the same few, or have none:
// they travel through ft packed in one text, which is empty when there are none.

inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";
/// Bytes of the packed attributes of one object.
inline constexpr std::size_t kMostExtended = 1024 * 1024;
/// What Linux takes: bytes of a name, of a value.
inline constexpr std::size_t kLongestExtendedName = 255;
inline constexpr std::size_t kLongestExtendedValue = 65536;

struct ExtendedAttribute {
    std::string_view name;   ///< with its namespace: "user.color"
    std::string_view value;  ///< ACLs: as to_kernel gives them
    bool operator==(const ExtendedAttribute&) const = default;
};

/// True when a replica has it in common with its original: user.*, trusted.* and security.*, and the two
/// ACLs. Not user.rsync.%* (how rsync without root keeps owners) and security.evm (signed by each machine for
/// itself); nor what belongs to one kind of file system (btrfs.*, trusted.SGI_ACL_*, other system.*).
bool is_carried(std::string_view name);
/// True for what the security policy of a machine gives to objects by itself (SELinux, Smack, IMA): where the
/// original has none the replica may have one.
bool is_label(std::string_view name);

/// Each name once, neither empty nor with a NUL. The order is that of the names' bytes.
std::string pack(std::vector<ExtendedAttribute> attributes);
/// Views into `packed`.
std::vector<ExtendedAttribute> unpack(std::string_view packed);
std::optional<std::string_view> find_extended(std::string_view packed, std::string_view name);
/// `packed` without, or with another, `name`.
std::string with_extended(std::string_view packed, std::string_view name,
                          std::optional<std::string_view> value);
/// Equal but for labels that `wanted` has none of.
bool fits_extended(std::string_view wanted, std::string_view found);

}  // namespace ft::base
