#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ft/base/entry.h"

namespace ft::test {

/// The bytes of a file; what was never written takes no room.
class Content {
public:
    std::uint64_t size() const { return size_; }
    std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
    void write(std::uint64_t offset, std::span<const std::byte> data);
    void resize(std::uint64_t size);
    /// Bytes that it keeps.
    std::uint64_t used() const;
    /// Bytes that it would keep more after such a write.
    std::uint64_t growth(std::uint64_t offset, std::uint64_t length) const;
    /// Bytes as a file system with blocks of 4096 counts them.
    std::uint64_t allocated() const;

private:
    std::map<std::uint64_t, std::string> blocks_;
    std::uint64_t size_ = 0;
};

struct Inode {
    std::uint64_t id = 0;
    std::uint64_t device = 0;
    bool mount_root = false;
    base::FileType type = base::FileType::regular;
    base::Attributes attributes;
    base::Timestamp ctime;
    std::uint64_t mtime_set_by = 0;  ///< sequence of the change that set the mtime
    std::uint64_t links = 0;
    Content content;
    std::string target;
    std::string extended;  ///< packed (base/extended.h)
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::map<std::string, std::uint64_t> names;  ///< of a directory
    std::uint64_t parent = 0;                    ///< of a directory; 0 for the root of all
    mutable std::uint64_t print = 0;  ///< of all but ctime and id, once it was needed; 0 after a change
};

struct Write {
    std::uint64_t inode;
    std::uint64_t offset;
    std::string data;
};
struct Resize {
    std::uint64_t inode;
    std::uint64_t size;
};
/// As Linux has it: the mode shows in an access ACL, and what is no directory loses its capabilities.
struct SetAttributes {
    std::uint64_t inode;
    base::Attributes attributes;
};
/// As Linux has it: an access ACL shows in the mode.
struct SetExtended {
    std::uint64_t inode;
    std::string packed;
};
/// A name that stood for `before` stands for `after` (0: for nothing).
struct NameEdit {
    std::uint64_t directory;
    std::string name;
    std::uint64_t before;
    std::uint64_t after;
};
/// One edit makes or removes a name, two rename or exchange: all of them happen or none.
using NameChange = std::vector<NameEdit>;

/// A change of the disk, complete in itself.
struct Change {
    std::variant<Write, Resize, SetAttributes, SetExtended, NameChange> what;
    std::uint64_t device = 0;
    std::uint64_t sequence = 0;
    bool abandoned = false;  ///< a sync of it failed: no later one brings it to the disk

    const NameChange* names() const { return std::get_if<NameChange>(&what); }
    /// The inode whose content or attributes change; 0 for changes of names.
    std::uint64_t inode() const;
};

constexpr std::uint64_t kRootInode = 1;

/// Everything on a disk at one moment.
class DiskImage {
public:
    DiskImage() = default;
    DiskImage(DiskImage&&) = default;
    DiskImage& operator=(DiskImage&&) = default;

    void add(const Inode& inode);
    std::shared_ptr<Inode> find(std::uint64_t id) const;
    /// True when `change` still makes sense here.
    bool fits(const Change& change) const;
    void apply(const Change& change);
    /// True when `directory` is `ancestor` or lies beneath it.
    bool lies_in(std::uint64_t directory, std::uint64_t ancestor) const;
    std::uint64_t used() const;
    /// A copy of what has a place in the tree.
    DiskImage reachable() const;
    /// The two share what neither has changed since. Not of an image whose inodes others hold.
    DiskImage copy() const;
    /// As DiskMoment::fingerprint.
    std::string fingerprint() const;

private:
    bool names_fit(const NameChange& change) const;
    void apply_names(const Change& change, const NameChange& edits);
    /// To be changed: no other image has it.
    std::shared_ptr<Inode> own(std::uint64_t id);
    std::vector<std::uint64_t> reachable_ids() const;

    mutable bool shares_ = false;
    std::map<std::uint64_t, std::shared_ptr<Inode>> inodes_;
};

/// The time of a change, and of what it touches: a counter, so that every change shows.
base::Timestamp time_of(std::uint64_t sequence);

}  // namespace ft::test
