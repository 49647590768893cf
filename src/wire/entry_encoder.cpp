#include <algorithm>

#include "ft/wire/file_list.h"
#include "wire/entry_flags.h"
#include "wire/id_names.h"

namespace ft::wire {
namespace {

std::uint32_t mode_of(const base::Object& object) {
    const bool link = object.type == base::FileType::symlink;
    for (const auto& [type, bits] : kTypes) {
        if (type == object.type) return bits | (link ? 0777 : object.attributes.mode);
    }
    throw base::Error{base::ErrorKind::internal, "a file type that is none"};
}

std::size_t shared_prefix(std::string_view last, std::string_view next) {
    const std::size_t most = std::min({last.size(), next.size(), std::size_t{255}});
    const auto differ =
        std::mismatch(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(most), next.begin());
    return static_cast<std::size_t>(differ.first - last.begin());
}

}  // namespace

std::uint32_t EntryEncoder::flags_of(const Entry& entry, std::size_t shared) const {
    const base::Object& object = entry.object;
    const bool directory = object.type == base::FileType::directory;
    std::uint32_t flags = 0;
    const auto set = [&flags](bool condition, std::uint32_t flag) { flags |= condition ? flag : 0; };
    set(directory && entry.top, kTopDir);
    set(directory && !entry.has_content, kNoContent);
    set(mode_of(object) == mode_, kSameMode);
    set(!options_.owners || (object.attributes.uid == uid_ && !first_), kSameUid);
    set(!options_.groups || (object.attributes.gid == gid_ && !first_), kSameGid);
    set(has_inline_names(options_) && !entry.user.empty() && (flags & kSameUid) == 0, kUserName);
    set(has_inline_names(options_) && !entry.group.empty() && (flags & kSameGid) == 0, kGroupName);
    set(shared > 0, kSameName);
    set(entry.path.size() - shared > 255, kLongName);
    set(object.attributes.mtime.seconds == seconds_, kSameTime);
    set(object.attributes.mtime.nanoseconds != 0 && options_.protocol >= 31, kNanoseconds);
    set(has_device_number(object.type, options_) &&
            (is_special(object.type) || object.device_major == major_),
        kSameMajor);
    set(options_.hard_links && entry.first, kLinked);
    set(options_.hard_links && entry.first == numbers_.next, kLinkFirst);
    return flags;
}

void EntryEncoder::write_flags(Writer& out, std::uint32_t flags, bool directory) const {
    if (options_.varint_flags)
        return out.varint(static_cast<std::int32_t>(flags == 0 ? kExtendedFlags : flags));
    // A first byte of 0 would end the list: a filler stands in, which for directories cannot be the first
    // bit.
    if (flags == 0 && !directory) flags = kTopDir;
    if (flags > 0xff || flags == 0) return out.u16(static_cast<std::uint16_t>(flags | kExtendedFlags));
    out.byte(static_cast<std::uint8_t>(flags));
}

void EntryEncoder::write(Writer& out, const Entry& entry) {
    const base::Object& object = entry.object;
    const base::Attributes& attributes = object.attributes;
    const std::size_t shared = shared_prefix(path_, entry.path);
    const std::uint32_t flags = flags_of(entry, shared);
    const std::string_view suffix = entry.path.substr(shared);

    write_flags(out, flags, object.type == base::FileType::directory);
    if ((flags & kSameName) != 0) out.byte(static_cast<std::uint8_t>(shared));
    if ((flags & kLongName) != 0) {
        out.varint(static_cast<std::int32_t>(suffix.size()));
    } else {
        out.byte(static_cast<std::uint8_t>(suffix.size()));
    }
    out.text(suffix);
    const bool follows = (flags & kLinked) != 0 && (flags & kLinkFirst) == 0;
    if (follows) out.varint(*entry.first);
    if (!follows || *entry.first < numbers_.start) write_fields(out, flags, entry);
    if (options_.acls || options_.xattrs) write_extended(out, entry);

    first_ = false;
    ++numbers_.next;
    path_ = entry.path;
    mode_ = mode_of(object);
    seconds_ = attributes.mtime.seconds;
    if (options_.owners) uid_ = attributes.uid;
    if (options_.groups) gid_ = attributes.gid;
    if (is_device(object.type) && options_.devices) major_ = object.device_major;
}

void EntryEncoder::write_fields(Writer& out, std::uint32_t flags, const Entry& entry) const {
    const base::Object& object = entry.object;
    const base::Attributes& attributes = object.attributes;
    out.varlong(static_cast<std::int64_t>(object.size), 3);
    if ((flags & kSameTime) == 0) out.varlong(attributes.mtime.seconds, 4);
    if ((flags & kNanoseconds) != 0) out.varint(static_cast<std::int32_t>(attributes.mtime.nanoseconds));
    if ((flags & kSameMode) == 0) out.int32(static_cast<std::int32_t>(mode_of(object)));
    if ((flags & kSameUid) == 0) out.varint(static_cast<std::int32_t>(attributes.uid));
    if ((flags & kUserName) != 0) write_id_name(out, entry.user);
    if ((flags & kSameGid) == 0) out.varint(static_cast<std::int32_t>(attributes.gid));
    if ((flags & kGroupName) != 0) write_id_name(out, entry.group);
    if (has_device_number(object.type, options_)) {
        if ((flags & kSameMajor) == 0) out.varint(static_cast<std::int32_t>(object.device_major));
        out.varint(static_cast<std::int32_t>(is_device(object.type) ? object.device_minor : 0));
    }
    if (object.type == base::FileType::symlink && options_.links) {
        out.varint(static_cast<std::int32_t>(object.link_target.size()));
        out.text(object.link_target);
    }
    if (object.type == base::FileType::regular && options_.checksum_bytes > 0)
        out.bytes(entry.checksum.bytes());
}

void EntryEncoder::write_extended(Writer& out, const Entry& entry) {
    const bool names = has_inline_names(options_);
    const base::FileType type = entry.object.type;
    if (options_.acls && type != base::FileType::symlink) extended_.access_acl(out, entry.access_acl, names);
    if (options_.acls && type == base::FileType::directory)
        extended_.default_acl(out, entry.default_acl, names);
    if (options_.xattrs) extended_.xattrs(out, entry.xattrs);
}

base::Acl reduce(base::Acl acl, std::uint32_t mode) {
    const auto shown = static_cast<std::uint8_t>(mode >> 3 & 7);
    acl.user.reset();
    acl.other.reset();
    if (!acl.mask || acl.group == shown) acl.group.reset();
    if (!acl.named.empty() && acl.mask == shown) acl.mask.reset();
    return acl;
}

base::Acl complete(base::Acl acl, std::uint32_t mode) {
    if (!acl.named.empty() && !acl.mask) acl.mask = 0;  // the mode tells it
    base::set_mode(acl, mode);
    return acl;
}

void EntryEncoder::write_end(Writer& out, std::int32_t io_error) {
    numbers_.end_list();
    if (options_.varint_flags) {
        out.varint(0);
        out.varint(io_error);
    } else if (io_error != 0 && (options_.protocol >= 31 || options_.safe_end)) {
        out.u16(kEndWithError);
        out.varint(io_error);
    } else {
        out.byte(0);
    }
}

}  // namespace ft::wire
