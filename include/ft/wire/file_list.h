#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ft/base/acl.h"
#include "ft/base/digest.h"
#include "ft/base/entry.h"
#include "ft/wire/extended.h"
#include "ft/wire/reader.h"
#include "ft/wire/writer.h"

namespace ft::wire {

/// What the options and the setup of a session mean for its file lists.
struct ListOptions {
    int protocol = 32;
    bool varint_flags = true;  ///< compat bit 7
    bool safe_end = true;      ///< compat bit 3: an io_error may end a list at protocol 30 too
    bool id0_names = true;     ///< compat bit 8
    bool incremental = false;  ///< compat bit 0: names of owners stand in the entries, no id lists
    bool numeric_ids = false;
    bool owners = true;              ///< o
    bool groups = true;              ///< g
    bool links = true;               ///< l
    bool hard_links = false;         ///< H
    bool devices = true;             ///< D: character and block devices have numbers
    bool specials = true;            ///< D: fifos and sockets (numbers at protocol 30 only)
    std::size_t checksum_bytes = 0;  ///< c: of each regular file; 0: none
    bool acls = false;               ///< A
    bool xattrs = false;             ///< X
};

/// Bits of an io_error.
enum IoError : std::int32_t { kIoGeneral = 1, kIoVanished = 2, kIoDeleteLimit = 4 };

/// An entry of a file list.
struct Entry {
    std::string_view path;    ///< below the root of the transfer; "." is the root
    base::Object object;      ///< decoded: permission bits of links are 0777, size only of files and links
    std::string_view user{};  ///< incremental recursion only: the name of an id that is new in the session
    std::string_view group{};
    base::Digest checksum{};  ///< of regular files with `checksum_bytes`
    bool top = false;         ///< a directory that was asked for
    bool has_content = true;  ///< false: a directory whose content is not part of the transfer
    /// Of a name of a group (hard links, `hard_links` only): number of the first name, which may be its own.
    /// Entries are numbered from 0 as they arrive; with incremental recursion from 1, and after each list one
    /// number is left out.
    std::optional<std::int32_t> first{};
    // Null: none. Decoded: the decoder's.
    const base::Acl* access_acl = nullptr;   ///< not of links; without what the mode tells (reduce)
    const base::Acl* default_acl = nullptr;  ///< of directories
    const Xattrs* xattrs = nullptr;
};

/// Numbers of the entries of a session's lists, as they arrive.
struct ListNumbers {
    explicit ListNumbers(const ListOptions& options) : start{options.incremental ? 1 : 0}, next{start} {}
    std::int32_t start;  ///< of the current list's first entry
    std::int32_t next;   ///< of the next entry
    void end_list() { start = ++next; }
};

/// Encodes entries byte by byte as the stock sender does. One for all lists of a session.
class EntryEncoder {
public:
    explicit EntryEncoder(const ListOptions& options) : options_{options} {}
    /// `entry.path` and the texts fit the limits of the protocol; what follows in a group is the same object
    /// as the first.
    void write(Writer& out, const Entry& entry);
    /// Marks the end of a list.
    void write_end(Writer& out, std::int32_t io_error);

private:
    std::uint32_t flags_of(const Entry& entry, std::size_t shared) const;
    void write_flags(Writer& out, std::uint32_t flags, bool directory) const;
    void write_fields(Writer& out, std::uint32_t flags, const Entry& entry) const;
    void write_extended(Writer& out, const Entry& entry);

    ListOptions options_;
    ListNumbers numbers_{options_};
    bool first_ = true;
    std::string path_;
    std::uint32_t mode_ = 0;
    std::int64_t seconds_ = 0;
    std::uint32_t uid_ = 0;
    std::uint32_t gid_ = 0;
    std::uint32_t major_ = 0;
    ExtendedEncoder extended_;
};

/// Decodes entries. One for all lists of a session. Error peer for everything that is not a legal entry by
/// these options: access and creation times are not in use.
class EntryDecoder {
public:
    /// Gives what `next` gave as the first of a group, by its number: further names come without that.
    using Lookup = std::function<Entry(std::int32_t)>;
    /// `lookup` is needed with `hard_links`.
    explicit EntryDecoder(const ListOptions& options, Lookup lookup = {})
        : options_{options},
          lookup_{std::move(lookup)},
          is_first_(static_cast<std::size_t>(numbers_.start)) {}
    /// The next entry, its texts valid until the next call; nothing at the end of a list.
    /// It does not compare entries: duplicates and missing parents are the reader's business.
    std::optional<Entry> next(Reader& in);
    /// Of all lists that have ended so far.
    std::int32_t io_error() const { return io_error_; }

private:
    std::uint32_t read_flags(Reader& in) const;
    void check_flags(std::uint32_t flags) const;
    void read_end(Reader& in, std::uint32_t flags);
    void read_path(Reader& in, std::uint32_t flags);
    void read_owners(Reader& in, std::uint32_t flags, Entry& entry);
    void read_content(Reader& in, std::uint32_t flags, std::int64_t size, Entry& entry);
    void read_device(Reader& in, std::uint32_t flags, base::Object& object);
    void read_target(Reader& in, base::Object& object);
    void read_first(Reader& in, std::uint32_t flags, Entry& entry);
    void copy_first(Entry& entry);
    void read_extended(Reader& in, Entry& entry);
    void read_fields(Reader& in, std::uint32_t flags, Entry& entry);

    ListOptions options_;
    Lookup lookup_;
    ListNumbers numbers_{options_};
    std::vector<bool> is_first_;  // by number, with `hard_links`
    std::string path_;
    std::string target_;
    std::string user_;
    std::string group_;
    std::uint32_t mode_ = 0;
    std::int64_t seconds_ = 0;
    std::uint32_t uid_ = 0;
    std::uint32_t gid_ = 0;
    std::uint32_t major_ = 0;
    std::int32_t io_error_ = 0;
    ExtendedDecoder extended_;
};

/// The name of an owner or a group, by number.
struct IdName {
    std::uint32_t id = 0;
    std::string name;
    bool operator==(const IdName&) const = default;
};

/// An access ACL as it travels beside that mode, and back: the mode tells the owner's and the others' rights,
/// and the mask where there are named entries.
base::Acl reduce(base::Acl acl, std::uint32_t mode);
base::Acl complete(base::Acl acl, std::uint32_t mode);

/// True when the end of the list is followed by a list of users (if `options.owners` or `acls`), then of
/// groups (if `groups` or `acls`).
bool has_id_lists(const ListOptions& options);
/// The name of id 0 may be among `names`; it is written in its place, or left out without `id0_names`.
void write_ids(Writer& out, const std::vector<IdName>& names, const ListOptions& options);
/// At most 65536 names of 1 to 255 bytes without controls, ':' and '/', each id once; id 0 last, if it has a
/// name.
std::vector<IdName> read_ids(Reader& in, const ListOptions& options);

}  // namespace ft::wire
