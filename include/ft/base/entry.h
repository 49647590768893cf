#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ft::base {

enum class FileType : std::uint8_t {
    regular,
    directory,
    symlink,
    character_device,
    block_device,
    fifo,
    socket
};

/// "file", "directory", "symbolic link"... for messages.
std::string_view name_of(FileType type);

/// A point in time as the file system stores it: seconds since 1970 (negative before), nanoseconds
/// 0..999999999.
struct Timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    auto operator<=>(const Timestamp&) const = default;  // NOLINT(modernize-use-nullptr): false
};

/// What a replica must have in common with its original besides content. Symbolic links have no mode of
/// their own: for them `mode` is 0777 and is neither compared nor set.
struct Attributes {
    std::uint32_t mode = 0;  ///< the 12 permission bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    Timestamp mtime{};
    bool operator==(const Attributes&) const = default;
};

/// An object of a tree without its path.
struct Object {
    FileType type = FileType::regular;
    Attributes attributes{};
    std::uint64_t size = 0;          ///< bytes of a regular file or of a link's target; else 0
    std::uint32_t device_major = 0;  ///< of devices
    std::uint32_t device_minor = 0;
    std::string_view link_target{};  ///< of symbolic links; owned by whoever gave the Object
    std::string_view extended{};     ///< ACLs and extended attributes, packed (extended.h); owned likewise
};

}  // namespace ft::base
