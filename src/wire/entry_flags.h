#pragma once

#include <cstdint>

#include "ft/wire/file_list.h"

namespace ft::wire {

/// Flags of a file-list entry; those of access and creation times are left out.
enum EntryFlags : std::uint32_t {
    kTopDir = 0x0001,
    kSameMode = 0x0002,
    kExtendedFlags = 0x0004,
    kSameUid = 0x0008,
    kSameGid = 0x0010,
    kSameName = 0x0020,
    kLongName = 0x0040,
    kSameTime = 0x0080,
    kSameMajor = 0x0100,  // of devices
    kNoContent = 0x0100,  // of directories
    kLinked = 0x0200,
    kUserName = 0x0400,
    kGroupName = 0x0800,
    kLinkFirst = 0x1000,
    kEndWithError = 0x1004,  // instead of an entry, in the byte form
    kNanoseconds = 0x2000,
};

constexpr std::uint32_t kPermissionBits = 07777;

/// The type bits of a mode are those of Unix, whatever the machine.
struct TypeBits {
    base::FileType type;
    std::uint32_t bits;
};
constexpr TypeBits kTypes[] = {
    {base::FileType::regular, 0100000},      {base::FileType::directory, 0040000},
    {base::FileType::symlink, 0120000},      {base::FileType::character_device, 0020000},
    {base::FileType::block_device, 0060000}, {base::FileType::fifo, 0010000},
    {base::FileType::socket, 0140000},
};

inline bool is_device(base::FileType type) {
    return type == base::FileType::character_device || type == base::FileType::block_device;
}
inline bool is_special(base::FileType type) {
    return type == base::FileType::fifo || type == base::FileType::socket;
}
/// Specials have a number too at protocol 30, which means nothing.
inline bool has_device_number(base::FileType type, const ListOptions& options) {
    return (is_device(type) && options.devices) ||
           (is_special(type) && options.specials && options.protocol < 31);
}
inline bool has_inline_names(const ListOptions& options) {
    return options.incremental && !options.numeric_ids;
}

}  // namespace ft::wire
