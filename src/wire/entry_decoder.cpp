#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "ft/base/escape.h"
#include "ft/base/rel_path.h"
#include "ft/wire/file_list.h"
#include "wire/entry_flags.h"
#include "wire/id_names.h"

namespace ft::wire {
namespace {

constexpr std::int32_t kLongestPath = 4095;
constexpr std::int32_t kLongestTarget = 4095;
constexpr std::int32_t kLargestMajor = (1 << 12) - 1;
constexpr std::int32_t kLargestMinor = (1 << 20) - 1;
constexpr std::int32_t kIoErrorBits = kIoGeneral | kIoVanished | kIoDeleteLimit;

base::FileType type_of(std::uint32_t mode) {
    for (const auto& [type, bits] : kTypes) {
        if (bits == (mode & ~kPermissionBits)) return type;
    }
    throw malformed("file mode", fmt::format("0{:o} is that of no file", mode));
}

std::uint32_t type_bits(base::FileType wanted) {
    return std::find_if(std::begin(kTypes), std::end(kTypes),
                        [&](const TypeBits& each) { return each.type == wanted; })
        ->bits;
}

[[noreturn]] void refuse_flags(std::uint32_t flags) {
    throw malformed("entry flags", fmt::format("0x{:x} hold some that are not in use", flags));
}

}  // namespace

std::optional<Entry> EntryDecoder::next(Reader& in) {
    const std::uint32_t flags = read_flags(in);
    if (flags == 0 || (!options_.varint_flags && flags == kEndWithError)) {
        read_end(in, flags);
        return std::nullopt;
    }
    check_flags(flags);
    Entry entry;
    base::Object& object = entry.object;
    read_path(in, flags);
    entry.path = path_;
    if ((flags & kLinked) != 0) read_first(in, flags, entry);
    if (entry.first && *entry.first != numbers_.next && *entry.first >= numbers_.start) {
        copy_first(entry);
    } else {
        read_fields(in, flags, entry);
    }
    if (entry.first && object.type == base::FileType::directory) {
        throw malformed("hard link", base::escape(path_.substr(0, 255)) + " is a directory");
    }
    if (options_.acls || options_.xattrs) read_extended(in, entry);
    if (options_.hard_links) is_first_.push_back((flags & kLinkFirst) != 0);
    ++numbers_.next;
    return entry;
}

/// Only a first name is referred to: no chains, nothing that comes later.
void EntryDecoder::read_first(Reader& in, std::uint32_t flags, Entry& entry) {
    entry.first = numbers_.next;
    if ((flags & kLinkFirst) != 0) return;
    entry.first = in.varint("first name of a hard link", 0, std::max(numbers_.next - 1, 0));
    const auto place = static_cast<std::size_t>(*entry.first);
    if (place >= is_first_.size() || !is_first_[place])
        throw malformed("first name of a hard link", fmt::format("is entry {}, which is none", place));
}

void EntryDecoder::copy_first(Entry& entry) {
    const Entry first = lookup_(*entry.first);
    entry.object = first.object;
    entry.checksum = first.checksum;
    target_ = first.object.link_target;
    entry.object.link_target = target_;
    const base::Attributes& attributes = entry.object.attributes;
    seconds_ = attributes.mtime.seconds;
    mode_ = type_bits(entry.object.type) | attributes.mode;
    uid_ = attributes.uid;
    gid_ = attributes.gid;
    if (is_device(entry.object.type) && options_.devices) major_ = entry.object.device_major;
}

/// Of every entry, further names of a group among them.
void EntryDecoder::read_extended(Reader& in, Entry& entry) {
    const bool names = has_inline_names(options_);
    const base::FileType type = entry.object.type;
    if (options_.acls && type != base::FileType::symlink) entry.access_acl = extended_.access_acl(in, names);
    if (options_.acls && type == base::FileType::directory)
        entry.default_acl = extended_.default_acl(in, names);
    if (options_.xattrs) entry.xattrs = extended_.xattrs(in);
}

void EntryDecoder::read_fields(Reader& in, std::uint32_t flags, Entry& entry) {
    base::Object& object = entry.object;
    const std::int64_t size = in.varlong("file size", 3, 0, std::numeric_limits<std::int64_t>::max());
    if ((flags & kSameTime) == 0) seconds_ = in.varlong("file time", 4);
    object.attributes.mtime.seconds = seconds_;
    if ((flags & kNanoseconds) != 0) {
        object.attributes.mtime.nanoseconds =
            static_cast<std::uint32_t>(in.varint("nanoseconds", 0, 999'999'999));
    }
    if ((flags & kSameMode) == 0) mode_ = static_cast<std::uint32_t>(in.int32("file mode"));
    object.type = type_of(mode_);
    object.attributes.mode = mode_ & kPermissionBits;
    read_owners(in, flags, entry);
    read_content(in, flags, size, entry);
}

std::uint32_t EntryDecoder::read_flags(Reader& in) const {
    if (options_.varint_flags) return static_cast<std::uint32_t>(in.varint("entry flags"));
    std::uint32_t flags = in.byte("entry flags");
    if ((flags & kExtendedFlags) != 0) flags |= static_cast<std::uint32_t>(in.byte("entry flags")) << 8;
    return flags;
}

void EntryDecoder::check_flags(std::uint32_t flags) const {
    std::uint32_t known = kTopDir | kSameMode | kExtendedFlags | kSameUid | kSameGid | kSameName | kLongName |
                          kSameTime | kSameMajor;
    if (options_.protocol >= 31) known |= kNanoseconds;
    if (options_.hard_links) known |= kLinked;
    if ((flags & kLinked) != 0) known |= kLinkFirst;
    if (has_inline_names(options_) && (flags & kSameUid) == 0 && options_.owners) known |= kUserName;
    if (has_inline_names(options_) && (flags & kSameGid) == 0 && options_.groups) known |= kGroupName;
    if ((flags & ~known) != 0) refuse_flags(flags);
}

void EntryDecoder::read_end(Reader& in, std::uint32_t flags) {
    numbers_.end_list();
    if (options_.hard_links) is_first_.resize(static_cast<std::size_t>(numbers_.start));
    if (flags == 0 && !options_.varint_flags) return;
    if (!options_.varint_flags && options_.protocol < 31 && !options_.safe_end) refuse_flags(flags);
    io_error_ |= in.varint("I/O error of the list", 0, kIoErrorBits);
}

void EntryDecoder::read_path(Reader& in, std::uint32_t flags) {
    const std::size_t shared = (flags & kSameName) != 0 ? in.byte("shared part of the name") : 0;
    if (shared > path_.size()) {
        throw out_of_range("shared part of the name", static_cast<std::int64_t>(shared), 0,
                           static_cast<std::int64_t>(path_.size()));
    }
    const bool long_name = (flags & kLongName) != 0;
    const std::int32_t added = long_name ? in.varint("name length", 0, kLongestPath) : in.byte("name length");
    path_.resize(shared);
    path_ += in.text("file name", static_cast<std::size_t>(added));
    const std::string_view fault = base::RelPath::fault(path_);
    if (!fault.empty()) {
        throw malformed("file name", fmt::format("has {}: {}", fault, base::escape(path_.substr(0, 255))));
    }
}

void EntryDecoder::read_owners(Reader& in, std::uint32_t flags, Entry& entry) {
    user_.clear();
    group_.clear();
    if (options_.owners && (flags & kSameUid) == 0) uid_ = read_id(in);
    if ((flags & kUserName) != 0) user_ = read_id_name(in);
    if (options_.groups && (flags & kSameGid) == 0) gid_ = read_id(in);
    if ((flags & kGroupName) != 0) group_ = read_id_name(in);
    entry.object.attributes.uid = uid_;
    entry.object.attributes.gid = gid_;
    entry.user = user_;
    entry.group = group_;
}

void EntryDecoder::read_content(Reader& in, std::uint32_t flags, std::int64_t size, Entry& entry) {
    base::Object& object = entry.object;
    const bool directory = object.type == base::FileType::directory;
    const bool number = has_device_number(object.type, options_);
    if ((flags & kSameMajor) != 0 && !directory && !number) refuse_flags(flags);
    if (path_ == "." && !directory) throw malformed("root of the tree", "is no directory");
    if (is_device(object.type) || is_special(object.type)) {
        if (size != 0) throw out_of_range("size of a device, fifo or socket", size, 0, 0);
        if (number) read_device(in, flags, object);
    } else if (directory) {
        entry.top = (flags & kTopDir) != 0;
        entry.has_content = (flags & kNoContent) == 0;
    } else if (object.type == base::FileType::symlink) {
        object.attributes.mode = 0777;
        read_target(in, object);
    } else {
        object.size = static_cast<std::uint64_t>(size);
        if (options_.checksum_bytes > 0)
            entry.checksum = in.digest("checksum in the list", options_.checksum_bytes);
    }
}

void EntryDecoder::read_device(Reader& in, std::uint32_t flags, base::Object& object) {
    std::uint32_t major = major_;
    if ((flags & kSameMajor) == 0) {
        major = static_cast<std::uint32_t>(in.varint("major device number", 0, kLargestMajor));
    }
    const std::int32_t minor = in.varint("minor device number", 0, kLargestMinor);
    if (is_special(object.type)) return;
    object.device_major = major_ = major;
    object.device_minor = static_cast<std::uint32_t>(minor);
}

void EntryDecoder::read_target(Reader& in, base::Object& object) {
    target_.clear();
    if (options_.links) {
        const std::int32_t length = in.varint("length of a link's target", 1, kLongestTarget);
        target_ = in.text("target of a link", static_cast<std::size_t>(length));
        if (target_.find('\0') != std::string::npos) throw malformed("target of a link", "holds a NUL byte");
    }
    object.link_target = target_;
    object.size = target_.size();
}

}  // namespace ft::wire
