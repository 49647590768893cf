#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/digest.h"
#include "ft/base/entry.h"
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
    bool devices = true;             ///< D: character and block devices have numbers
    bool specials = true;            ///< D: fifos and sockets (numbers at protocol 30 only)
    std::size_t checksum_bytes = 0;  ///< c: of each regular file; 0: none
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
};

/// Encodes entries byte by byte as the stock sender does. One for all lists of a session.
class EntryEncoder {
public:
    explicit EntryEncoder(const ListOptions& options) : options_{options} {}
    /// `entry.path` and the texts fit the limits of the protocol.
    void write(Writer& out, const Entry& entry);
    /// Marks the end of a list.
    void write_end(Writer& out, std::int32_t io_error);

private:
    std::uint32_t flags_of(const Entry& entry, std::size_t shared) const;
    void write_flags(Writer& out, std::uint32_t flags, bool directory) const;

    ListOptions options_;
    bool first_ = true;
    std::string path_;
    std::uint32_t mode_ = 0;
    std::int64_t seconds_ = 0;
    std::uint32_t uid_ = 0;
    std::uint32_t gid_ = 0;
    std::uint32_t major_ = 0;
};

/// Decodes entries. One for all lists of a session. Error peer for everything that is not a legal entry by
/// these options: hard links, ACLs, xattrs, access and creation times are not in use.
class EntryDecoder {
public:
    explicit EntryDecoder(const ListOptions& options) : options_{options} {}
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

    ListOptions options_;
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
};

/// The name of an owner or a group, by number.
struct IdName {
    std::uint32_t id = 0;
    std::string name;
    bool operator==(const IdName&) const = default;
};

/// True when the end of the list is followed by a list of users (if `options.owners`), then of groups (if
/// `groups`).
bool has_id_lists(const ListOptions& options);
/// The name of id 0 may be among `names`; it is written in its place, or left out without `id0_names`.
void write_ids(Writer& out, const std::vector<IdName>& names, const ListOptions& options);
/// At most 65536 names of 1 to 255 bytes without controls, ':' and '/', each id once; id 0 last, if it has a
/// name.
std::vector<IdName> read_ids(Reader& in, const ListOptions& options);

}  // namespace ft::wire
