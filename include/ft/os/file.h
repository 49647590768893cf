#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ft/base/entry.h"

namespace ft::os {

using base::Attributes;
using base::FileType;
using base::Timestamp;

/// What the system says of an object.
struct Status {
    FileType type = FileType::regular;
    Attributes attributes{};
    std::uint64_t size = 0;
    std::uint64_t allocated = 0;  ///< bytes on disk; less than size for sparse files
    Timestamp ctime{};
    std::uint64_t inode = 0;
    std::uint64_t device = 0;  ///< of the file system that holds it
    std::uint64_t links = 1;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    bool mount_root = false;  ///< something is mounted here, be it a part of the same file system
};

/// An open regular file. Every error names the file by the path it was opened with. One thread per File
/// where it changes; any number may read_at.
class File {
public:
    virtual ~File() = default;
    /// Fills `into` from `offset` (bytes) as far as the file goes; returns the length. Never a partial read
    /// before the end.
    virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
    /// Where the next bytes lie that are no hole, at `offset` or behind it; the file's end when there are
    /// none. `offset` behind that end, and where the file system does not tell.
    virtual std::uint64_t data_from(std::uint64_t offset) const { return offset; }
    virtual Status status() const = 0;
    /// Asks the system to forget what memory holds of it, so that reads come from the disk. What is not
    /// synced, or mapped by somebody, may stay.
    virtual void drop_cached() const {}

    virtual void write_at(std::uint64_t offset, std::span<const std::byte> data) = 0;
    /// Makes the `length` bytes at `offset` those of `from` at `from_offset` in one step, without a copy:
    /// both have the same blocks on the disk until one of them changes. Holes stay holes, the file grows as
    /// by a write. All in bytes and whole blocks. False: the file system does not do that, or not with these
    /// two, not there or not now; what lies from `offset` on is undefined then. No Error: the copy tells.
    virtual bool share([[maybe_unused]] std::uint64_t offset, [[maybe_unused]] const File& from,
                       [[maybe_unused]] std::uint64_t from_offset, [[maybe_unused]] std::uint64_t length) {
        return false;
    }
    /// Cuts or extends (with a hole) to `size` bytes.
    virtual void set_size(std::uint64_t size) = 0;
    /// Owner first, then mode (setuid bits survive only so), then mtime.
    virtual void set_attributes(const Attributes& attributes) = 0;
    /// As Directory::set_extended.
    virtual void set_extended(std::string_view packed) = 0;
    /// Makes content and size durable (fsync).
    virtual void sync() = 0;
};

/// An object as a directory lists it.
struct Name {
    std::string name;
    std::uint64_t inode = 0;
};

using UseName = std::function<void(std::string_view name, std::uint64_t inode)>;

/// Free and whole room of a file system.
struct Space {
    std::uint64_t free_bytes = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_inodes = 0;  ///< the largest number where a file system does not count
    /// That one object may have; the largest number where that is not known.
    std::uint64_t most_names = std::numeric_limits<std::uint64_t>::max();
    /// Directories with the same number share this room: the device, but one for all subvolumes of a btrfs.
    std::uint64_t pool = 0;
};

/// An open directory and everything beneath it.
///
/// `path` is relative to it: components joined by '/', no "." but alone for the directory itself, no "..".
/// No symbolic link is ever followed and nothing outside is ever reached (openat2 with RESOLVE_BENEATH and
/// RESOLVE_NO_SYMLINKS): a link on the way is Error io. A missing object is Error io unless the function says
/// otherwise. Errors name the whole path. Whoever holds a `const Directory&` can only read: a live tree is
/// const everywhere but in the room `commit`. Any thread.
class Directory {
public:
    virtual ~Directory() = default;

    // Reading.
    /// Where it is, for messages and for programs that take a path; bytes.
    virtual std::string path() const = 0;
    /// Gives `use` each name in the directory but "." and "..", in any order. `use` may remove what it is
    /// given; what else is added or removed meanwhile is given or not.
    virtual void for_each_name(const UseName& use) const = 0;
    /// The same as a whole: for directories that are not too long to be held in memory.
    std::vector<Name> list() const;
    /// Of the object itself (a link is not followed); nothing when there is no such object, or when a
    /// component on the way is missing or no directory.
    virtual std::optional<Status> status(std::string_view path) const = 0;
    virtual std::string read_link(std::string_view path) const = 0;
    /// The ACLs and extended attributes of the object itself that a replica carries, packed
    /// (ft/base/extended.h); empty where it has none, or its file system knows none. Error io above 1 MiB.
    virtual std::string extended(std::string_view path) const = 0;
    /// Error io ("changed while it was read") when it is not a regular file: nothing else is opened, and
    /// nothing waits. Access times stay as they are where the system permits.
    virtual std::unique_ptr<const File> open_file(std::string_view path) const = 0;
    virtual std::unique_ptr<const Directory> open_directory(std::string_view path) const = 0;
    virtual Space space() const = 0;

    // Changing.
    virtual std::unique_ptr<Directory> open_directory(std::string_view path) = 0;
    /// A new empty file, readable and writable for the owner (0600); Error io when the name exists.
    virtual std::unique_ptr<File> create_file(std::string_view path) = 0;
    /// An existing regular file, for writing too.
    virtual std::unique_ptr<File> change_file(std::string_view path) = 0;
    /// A new directory, mode 0700, without any inherited ACL; Error io when the name exists.
    virtual void create_directory(std::string_view path) = 0;
    virtual void create_symlink(std::string_view path, std::string_view target) = 0;
    /// A device, FIFO or socket (mode 0600); never opened.
    virtual void create_special(std::string_view path, FileType type, std::uint32_t major,
                                std::uint32_t minor) = 0;
    /// A further name for any object but a directory (hard link) within the file system; Error io when `to`
    /// exists.
    virtual void link(std::string_view path, Directory& to_directory, std::string_view to) = 0;
    /// Renames within the file system; Error io when `to` exists (RENAME_NOREPLACE).
    virtual void rename(std::string_view from, Directory& to_directory, std::string_view to) = 0;
    /// Swaps two existing objects of any types in one step (RENAME_EXCHANGE).
    virtual void exchange(std::string_view path, Directory& other_directory, std::string_view other) = 0;
    /// Removes an object; a directory must be empty.
    virtual void remove(std::string_view path) = 0;
    /// Owner first, then mode (not of links), then mtime.
    virtual void set_attributes(std::string_view path, const Attributes& attributes) = 0;
    /// Makes those `packed`; labels that it does not name stay. Behind set_attributes: a change of owner
    /// takes capabilities away. An access ACL and the mode are one: each shows in the other.
    virtual void set_extended(std::string_view path, std::string_view packed) = 0;
    /// Makes the directory's names durable (fsync).
    virtual void sync() = 0;
    /// Makes everything on its file system durable (syncfs). Error io is final: what was written may be gone.
    virtual void sync_file_system() = 0;
};

/// Removes `path` and all beneath it; nothing to do when it does not exist. Error io at another file system
/// that is mounted there: what it holds stays.
void remove_all(Directory& directory, std::string_view path);
/// Opens `path`, making it (mode 0700) where it is missing; components of `path` too.
std::unique_ptr<Directory> make_directories(Directory& directory, std::string_view path);
/// The whole content. Error unfit above `limit` bytes.
std::string read_all(const Directory& directory, std::string_view path, std::size_t limit);
/// Puts a file with `content` at `path` (mode 0600), replacing what is there in one step, durable on return.
/// A crash may leave `path`.new, which the next call takes away.
void write_whole(Directory& directory, std::string_view path, std::string_view content);

}  // namespace ft::os
